/**
 * The layouts of weights in Keras and PyTorch. One table gives the name and layout of each weight in each library; the shapes of a layer's tensors and
 * the conversions in both directions are derived from it. Gates are in the order that core defines for the recurrence (`toOnnxGates`). The only computation
 * is the sum of two biases where a layer here has one. All other conversions preserve the bits.
 */
import {
  type Float32Tensor,
  factsOf,
  float32,
  fromOnnxGates,
  type RecurrenceName,
  sizeOf,
  toOnnxGates,
  zeros,
} from "@ostinato/core";

/** The libraries whose weights can be read and written. */
export type Library = "keras" | "pytorch";

/** The place of a weight in another library. */
interface Place {
  /** Its name within the layer. */
  readonly name: string;
  /** Its two axes are transposed. */
  readonly transposed?: true;
  /** The row of a tensor [rows, size] that holds the weight. A layer that has only one of the rows stores it as [size]. */
  readonly row?: number;
  /** The library has two tensors whose sum is this weight. On export, this second one is zero. */
  readonly plus?: string;
}

/** The weights of a layer by name, in Keras's order. A weight without an entry for a library does not exist there. */
interface Layout {
  /** The first axis of each weight holds the gates of this recurrence, in blocks. */
  readonly gates?: RecurrenceName;
  readonly weights: Readonly<Record<string, Readonly<Partial<Record<Library, Place>>>>>;
}

const kernels: Layout["weights"] = {
  W: { keras: { name: "kernel", transposed: true }, pytorch: { name: "weight_ih" } },
  R: { keras: { name: "recurrent_kernel", transposed: true }, pytorch: { name: "weight_hh" } },
};

const oneBias: Layout["weights"] = {
  ...kernels,
  B: { keras: { name: "bias" }, pytorch: { name: "bias_ih", plus: "bias_hh" } },
};

const twoBiases: Layout["weights"] = {
  ...kernels,
  B: { keras: { name: "bias", row: 0 }, pytorch: { name: "bias_ih" } },
  recurrentBias: { keras: { name: "bias", row: 1 }, pytorch: { name: "bias_hh" } },
};

const embeddings: Layout["weights"][string] = { keras: { name: "embeddings" }, pytorch: { name: "weight" } };

const layouts = {
  embedding: { weights: { embeddings } },
  reversibleEmbedding: { weights: { embeddings } },
  dense: {
    weights: {
      kernel: { keras: { name: "kernel" }, pytorch: { name: "weight", transposed: true } },
      bias: { keras: { name: "bias" }, pytorch: { name: "bias" } },
    },
  },
  layerNormalization: {
    weights: {
      gamma: { keras: { name: "gamma" }, pytorch: { name: "weight" } },
      beta: { keras: { name: "beta" }, pytorch: { name: "bias" } },
    },
  },
  lstm: { gates: "lstm", weights: oneBias },
  gru: { gates: "gru", weights: twoBiases },
  simpleRnn: { gates: "rnn", weights: oneBias },
  attention: {
    weights: { scale: { keras: { name: "scale" } }, concatScoreWeight: { keras: { name: "concat_score_weight" } } },
  },
  additiveAttention: { weights: { scale: { keras: { name: "scale" } } } },
} as const satisfies Readonly<Record<string, Layout>>;

/** The kinds of layers whose weights can be converted. */
export type ConvertedKind = keyof typeof layouts;

export const isConverted = (kind: string): kind is ConvertedKind => Object.hasOwn(layouts, kind);

/** Shapes or tensors by name: our names for our layers, the library's names for its layers. */
type Named<T> = Readonly<Record<string, T>>;

/** The weights of `ours` that exist in the library. */
function placesOf(library: Library, kind: ConvertedKind, ours: Named<unknown>) {
  const { weights }: Layout = layouts[kind];
  return Object.entries(weights).flatMap(([own, { [library]: place }]) =>
    place && Object.hasOwn(ours, own) ? [{ own, ...place }] : [],
  );
}

type Placed = ReturnType<typeof placesOf>[number];

/** The number of weights that are rows of the tensor with this name. */
const rowsOf = (places: readonly Placed[], name: string): number =>
  places.filter((place) => place.name === name).length;

/** The names of our weights that do not exist in the library. */
export function withoutPlace(library: Library, kind: ConvertedKind, ours: Named<unknown>): string[] {
  const { weights }: Layout = layouts[kind];
  return Object.keys(ours).filter((own) => weights[own]?.[library] === undefined);
}

/**
 * The shapes of a layer's tensors in a library, in the library's order, for the given shapes of its weights here.
 *
 * @example shapesIn("pytorch", "dense", { kernel: [8, 2], bias: [2] }) // { weight: [2, 8], bias: [2] }
 */
export function shapesIn(
  library: Library,
  kind: ConvertedKind,
  ours: Named<readonly number[]>,
): Record<string, readonly number[]> {
  const places = placesOf(library, kind, ours);
  return Object.fromEntries(
    places.flatMap(({ own, name, transposed, plus }) => {
      const shape = ours[own] as readonly number[];
      const rows = rowsOf(places, name);
      const there = transposed ? shape.toReversed() : rows > 1 ? [rows, ...shape] : shape;
      return [name, ...(plus === undefined ? [] : [plus])].map((each) => [each, there] as const);
    }),
  );
}

/** Transposes a matrix. */
function transpose({ shape, data }: Float32Tensor): Float32Tensor {
  const [rows, columns] = shape as readonly [number, number];
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] as number;
  return float32([columns, rows], out);
}

/** A copy with the gates, if it has any, in the other order. */
function reordered(reorder: typeof toOnnxGates, library: Library, kind: ConvertedKind, tensor: Float32Tensor) {
  const { shape, data } = tensor;
  const { gates }: Layout = layouts[kind];
  if (gates === undefined) return float32(shape, data.slice());
  const [rows, columns = 1] = shape as readonly [number, number?];
  return float32(shape, reorder(gates, data, rows / factsOf(gates).gates.length, columns, library));
}

function sumOf({ shape, data }: Float32Tensor, other: Float32Tensor): Float32Tensor {
  return float32(
    shape,
    data.map((x, i) => x + (other.data[i] as number)),
  );
}

function rowOf({ shape: [, size], data }: Float32Tensor, row: number): Float32Tensor {
  const length = size as number;
  return float32([length], data.subarray(row * length, (row + 1) * length));
}

function stacked(rows: readonly Float32Tensor[]): Float32Tensor {
  const [{ shape }] = rows as readonly [Float32Tensor];
  const data = new Float32Array(rows.length * sizeOf(shape));
  rows.forEach((row, i) => {
    data.set(row.data, i * row.data.length);
  });
  return float32([rows.length, ...shape], data);
}

/**
 * Copies of a layer's weights by our names, made from its tensors in a library.
 *
 * @param ours the shapes of its weights here
 * @param theirs the tensors named by `shapesIn`; the caller has checked their shapes
 */
export function fromLibrary(
  library: Library,
  kind: ConvertedKind,
  ours: Named<readonly number[]>,
  theirs: Named<Float32Tensor>,
): Record<string, Float32Tensor> {
  const places = placesOf(library, kind, ours);
  return Object.fromEntries(
    places.map(({ own, name, transposed, row, plus }) => {
      const tensor = theirs[name] as Float32Tensor;
      const stored = row !== undefined && rowsOf(places, name) > 1 ? rowOf(tensor, row) : tensor;
      const whole = plus === undefined ? stored : sumOf(stored, theirs[plus] as Float32Tensor);
      return [own, reordered(toOnnxGates, library, kind, transposed ? transpose(whole) : whole)];
    }),
  );
}

/** Copies of a layer's tensors in a library, in the library's order. Where the library has two biases and we have one, the second is zero. */
export function toLibrary(
  library: Library,
  kind: ConvertedKind,
  ours: Named<Float32Tensor>,
): Record<string, Float32Tensor> {
  const places = placesOf(library, kind, ours);
  const there = ({ own, transposed }: Placed): Float32Tensor => {
    const ordered = reordered(fromOnnxGates, library, kind, ours[own] as Float32Tensor);
    return transposed ? transpose(ordered) : ordered;
  };
  return Object.fromEntries(
    places.flatMap((place): (readonly [string, Float32Tensor])[] => {
      const rows = places.filter(({ name }) => name === place.name).map(there);
      const tensor = rows.length > 1 ? stacked(rows) : (rows[0] as Float32Tensor);
      const { name, plus } = place;
      return [[name, tensor], ...(plus === undefined ? [] : [[plus, zeros("float32", tensor.shape)] as const])];
    }),
  );
}
