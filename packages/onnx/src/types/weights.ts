/** Stores weights in fewer bits than float32, with nodes that convert them to float32. */
import { ConfigError, sizeOf } from "@ostinato/core";
import { attributeMessages, uniqueNames } from "../emit/storage.ts";
import { elementTypes, type Message } from "../file/schema.ts";
import { LARGEST_FLOAT16, toFloat16 } from "./float16.ts";
import { quantized } from "./int8.ts";
import { changedNodes, namesIn } from "./nodes.ts";

/** The element types of weight matrices and tables in a file. */
export const weightTypes = ["float32", "float16", "int8"] as const;

/** The element type of weight matrices and tables in a file. */
export type WeightType = (typeof weightTypes)[number];

/** For smaller weights, the additional nodes take more space than is saved. */
const FEWEST = 256;

type Tensor = Message<"Tensor">;
type Node = Message<"Node">;

/** A stored weight. Results of its readers must be multiplied by the scales, if there are any. */
interface Narrow {
  readonly numbers: Tensor;
  readonly scales?: Tensor;
}

function dataOf({ rawData = new Uint8Array() }: Tensor): Float32Array {
  return new Float32Array(rawData.buffer, rawData.byteOffset, rawData.byteLength / 4);
}

const rawOf = ({ buffer }: { readonly buffer: ArrayBuffer }): Uint8Array => new Uint8Array(buffer);

/** @throws ConfigError for a number that the type cannot represent */
function expectFits(name: string, data: Float32Array, type: WeightType, fits: (x: number) => boolean, most: string) {
  let wrong = 0;
  while (wrong < data.length && fits(data[wrong] as number)) wrong++;
  if (wrong === data.length) return;
  throw new ConfigError(
    `weights: "${type}" can represent ${most}, but "${name}" contains ${data[wrong]}; export with weights: "float32"`,
  );
}

type Narrowing = (tensor: Tensor, unique: (wish: string) => string) => Narrow | undefined;

const float16: Narrowing = (tensor) => {
  const data = dataOf(tensor);
  const halves = toFloat16(data);
  const fits = (x: number): boolean => !Number.isFinite(x) || Math.abs(x) < LARGEST_FLOAT16 + 16;
  expectFits(tensor.name ?? "", data, "float16", fits, `numbers up to ${LARGEST_FLOAT16.toLocaleString("en-US")}`);
  return { numbers: { ...tensor, dataType: elementTypes.float16, rawData: rawOf(halves) } };
};

const int8: Narrowing = (tensor, unique) => {
  const { name = "", dims = [] } = tensor;
  const data = dataOf(tensor);
  expectFits(name, data, "int8", Number.isFinite, "finite numbers");
  const found = quantized(data, dims);
  if (found === undefined) return undefined;
  const { numbers, scales, scaleDims } = found;
  return {
    numbers: { ...tensor, dataType: elementTypes.int8, rawData: rawOf(numbers) },
    scales: {
      dims: scaleDims,
      dataType: elementTypes.float32,
      name: unique(`${name}/scale`),
      rawData: rawOf(scales),
    },
  };
};

/** Whether a node looks up rows of a table. */
function looksUp({ op, attributes = [] }: Node): boolean {
  return op === "Gather" && attributes.every(({ name, int }) => name !== "axis" || int === 0);
}

/**
 * Stores the matrices of a graph in fewer bits. Vectors, such as biases, and small matrices are unchanged. In tables, only the rows that are looked up are converted to float32; other weights
 * are converted as a whole, which runtimes do once, when they open the file.
 *
 * @param matrices the names of the weight matrices
 * @throws ConfigError for numbers that the type cannot represent
 */
export function withWeightType(
  graph: Message<"Graph">,
  matrices: ReadonlySet<string>,
  type: Exclude<WeightType, "float32">,
): Message<"Graph"> {
  const unique = uniqueNames(namesIn(graph));
  const narrow = { float16, int8 }[type];
  const narrowed = new Map<string, Narrow>();
  const initializers = (graph.initializers ?? []).flatMap((tensor) => {
    const { name = "", dims = [] } = tensor;
    const made = matrices.has(name) && sizeOf(dims) >= FEWEST ? narrow(tensor, unique) : undefined;
    if (made === undefined) return [tensor];
    narrowed.set(name, made);
    return made.scales ? [made.numbers, made.scales] : [made.numbers];
  });

  /** The nodes that convert numbers and scales to the float32 value `result`. */
  const widened = (numbers: string, scales: string | undefined, result: string): Node[] => {
    const cast = scales === undefined ? result : unique(`${result}/cast`);
    const attributes = attributeMessages({ to: elementTypes.float32 });
    return [
      { inputs: [numbers], outputs: [cast], name: cast, op: "Cast", attributes },
      ...(scales === undefined ? [] : [{ inputs: [cast, scales], outputs: [result], name: result, op: "Mul" }]),
    ];
  };

  const whole = new Map<string, string>();
  const wholeOf = (name: string): string => {
    if (!narrowed.has(name)) return name;
    const known = whole.get(name) ?? unique(`${name}/float32`);
    whole.set(name, known);
    return known;
  };

  /** The rows that a node looks up, converted to float32. */
  const rowsOf = (node: Node, { scales, numbers: { dims = [] } }: Narrow): Node[] => {
    const [, ids = ""] = node.inputs ?? [];
    const [result = ""] = node.outputs ?? [];
    const rows = unique(`${result}/rows`);
    const found = { ...node, outputs: [rows], name: rows };
    if (scales === undefined) return [found, ...widened(rows, undefined, result)];
    // Per-column scales are the same for all rows.
    if (scales.dims?.[0] !== dims[0] || scales.dims?.length !== dims.length)
      return [found, ...widened(rows, scales.name, result)];
    const own = unique(`${result}/scale`);
    const ofRows = { ...node, inputs: [scales.name as string, ids], outputs: [own], name: own };
    return [found, ofRows, ...widened(rows, own, result)];
  };

  const nodes = changedNodes(graph.nodes ?? [], (node) => {
    const [table = "", ...others] = node.inputs ?? [];
    const stored = looksUp(node) ? narrowed.get(table) : undefined;
    if (stored) return rowsOf({ ...node, inputs: [table, ...others.map(wholeOf)] }, stored);
    return [{ ...node, inputs: (node.inputs ?? []).map(wholeOf) }];
  });
  const made = [...whole].flatMap(([name, result]) => widened(name, narrowed.get(name)?.scales?.name, result));
  return { ...graph, initializers, nodes: [...made, ...nodes] };
}
