/** The models of the measurements: [Embedding(5000, 10) → LSTM(128), GRU(128) or SimpleRNN(128) → Dense(1, sigmoid)], as train graphs and for prediction. */
import {
  cast,
  constant,
  div,
  factsOf,
  feed,
  finite,
  float32,
  type Graph,
  gather,
  gradients,
  int32,
  matmul,
  mean,
  mul,
  pow,
  RandomStream,
  type RecurrenceInputs,
  type RecurrenceName,
  type RecurrenceSettings,
  recurrence,
  reshape,
  sequenceLengths,
  sigmoid,
  sizeOf,
  softplus,
  sqrt,
  state,
  sub,
  type Tensors,
  transpose,
  type Update,
  type Value,
  zeros,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";

export const sizes = { words: 5000, embedding: 10, hidden: 128, batch: 32, time: 300 } as const;

/** The layers: their recurrence, and what sets the layer apart from the op's defaults. A GRU is Keras's, with the reset after the product. */
const layers = {
  lstm: { name: "lstm", settings: {}, recurrentBias: false },
  gru: { name: "gru", settings: { linearBeforeReset: true }, recurrentBias: true },
  simpleRnn: { name: "rnn", settings: {}, recurrentBias: false },
} as const satisfies Record<string, { name: RecurrenceName; settings: object; recurrentBias: boolean }>;
export type Layer = keyof typeof layers;

const rowsOf = (layer: Layer): number => factsOf(layers[layer].name).gates.length * sizes.hidden;

/** Multiplications and additions of the recurrence's products: the forward step, and twice that for the gradients. */
export function flops(steps: number, training: boolean, layer: Layer): number {
  const { embedding, hidden } = sizes;
  return (training ? 3 : 1) * 2 * steps * rowsOf(layer) * (embedding + hidden);
}

function weightShapes(layer: Layer): Record<string, readonly number[]> {
  const rows = rowsOf(layer);
  return {
    W: [rows, sizes.embedding],
    R: [rows, sizes.hidden],
    B: [rows],
    ...(layers[layer].recurrentBias ? { recurrentBias: [rows] } : {}),
  };
}

/** Those of all layers: they are trained in one session, one at a time. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  embeddings: [sizes.words, sizes.embedding],
  ...Object.fromEntries(
    (Object.keys(layers) as Layer[]).flatMap((layer) =>
      Object.entries(weightShapes(layer)).map(([role, shape]) => [`${layer}/${role}`, shape]),
    ),
  ),
  kernel: [sizes.hidden, 1],
  bias: [1],
};

interface Model {
  readonly parameters: Readonly<Record<string, Value>>;
  /** [batch] */
  readonly logits: Value;
}

function model(masked: boolean, layer: Layer): Model {
  const { name, settings } = layers[layer];
  const own = Object.keys(weightShapes(layer));
  const names = ["embeddings", ...own.map((role) => `${layer}/${role}`), "kernel", "bias"];
  const parameters = Object.fromEntries(
    names.map((each) => [each, state(each, "float32", shapes[each] as readonly number[])]),
  );
  const { embeddings, kernel, bias } = parameters;
  const ids = transpose(feed("ids", "int32", ["batch", "time"]), [1, 0]);
  const inputs = {
    X: gather(embeddings as Value, ids),
    ...Object.fromEntries(own.map((role) => [role, parameters[`${layer}/${role}`]])),
    ...(masked ? { lengths: sequenceLengths(ids) } : {}),
  };
  const { h } = recurrence(name, inputs as unknown as RecurrenceInputs, settings as RecurrenceSettings<RecurrenceName>);
  return { parameters, logits: reshape(add(matmul(h, kernel as Value), bias as Value), ["batch"]) };
}

/** Adam of Kingma and Ba 2015, with the corrections of the moments in the rate. */
function adam(parameters: Readonly<Record<string, Value>>, grads: readonly Value[]): Update[] {
  const step = add(state("step", "int32", []), 1);
  const t = cast(step, "float32");
  const rate = div(mul(sqrt(sub(1, pow(constant(0.999), t))), 0.001), sub(1, pow(constant(0.9), t)));
  const updates = Object.entries(parameters).flatMap(([name, value], i) => {
    const shape = value.type.shape as number[];
    const gradient = grads[i] as Value;
    const m = add(mul(state(`${name}/m`, "float32", shape), 0.9), mul(gradient, 0.1));
    const v = add(mul(state(`${name}/v`, "float32", shape), 0.999), mul(mul(gradient, gradient), 0.001));
    return [
      { name: `${name}/m`, value: m },
      { name: `${name}/v`, value: v },
      { name, value: sub(value, div(mul(m, rate), add(sqrt(v), 1e-7))) },
    ];
  });
  return [{ name: "step", value: step }, ...updates];
}

/** Binary crossentropy from logits, its gradients and the update of Adam in one graph. Feeds: ids [batch, time], labels [batch]. */
export function trainGraph(masked: boolean, layer: Layer): Graph {
  const { parameters, logits } = model(masked, layer);
  const loss = mean(sub(softplus(logits), mul(feed("labels", "float32", ["batch"]), logits)));
  const grads = gradients([{ value: loss, cotangent: constant(1) }], Object.values(parameters));
  return { fetches: { loss }, updates: adam(parameters, grads), guard: finite(loss) };
}

export function predictGraph(): Graph {
  return { fetches: { probabilities: sigmoid(model(false, "lstm").logits) }, updates: [] };
}

/** Parameters, moments and the step before training. */
export function initialState(): Tensors {
  const random = new RandomStream(1, "bench");
  const entries = Object.entries(shapes).flatMap(([name, shape]) => [
    [
      name,
      float32(
        shape,
        Array.from({ length: sizeOf(shape) }, () => 0.1 * (random.uniform() - 0.5)),
      ),
    ] as const,
    [`${name}/m`, zeros("float32", shape)] as const,
    [`${name}/v`, zeros("float32", shape)] as const,
  ]);
  return { ...Object.fromEntries(entries), step: int32([], [0]) };
}

/** A batch of random words. Ragged rows are spread evenly so that they have 192 words on average, as reviews cut to 300 have. */
export function batchOf(ragged: boolean): { feeds: Tensors; steps: number } {
  const { words, batch, time } = sizes;
  const random = new RandomStream(2, "bench batch");
  const ids = new Int32Array(batch * time);
  const labels = new Float32Array(batch);
  let steps = 0;
  for (let row = 0; row < batch; row++) {
    const length = ragged ? Math.round(time - (2 * (time - 192) * row) / (batch - 1)) : time;
    for (let t = 0; t < length; t++) ids[row * time + t] = 1 + random.below(words - 1);
    labels[row] = row % 2;
    steps += length;
  }
  return { feeds: { ids: int32([batch, time], ids), labels: float32([batch], labels) }, steps };
}
