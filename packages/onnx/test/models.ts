/** Graphs like those of real models, with random weights. */
import {
  add,
  type Dim,
  type DType,
  feed,
  float32,
  type Graph,
  gather,
  int32,
  matmul,
  RandomStream,
  type RecurrenceInputs,
  type RecurrenceSettings,
  recurrence,
  sequenceLengths,
  sigmoid,
  sizeOf,
  state,
  type Tensor,
  type Tensors,
  transpose,
  type Value,
  zeros,
} from "@ostinato/core";

export interface Model {
  readonly graph: Graph;
  readonly state: Tensors;
}

/** Collects weights with data of their own while a graph is built. */
export class Weights {
  readonly state: Record<string, Tensor> = {};
  readonly #random: RandomStream;

  constructor(seed: number) {
    this.#random = new RandomStream(seed, "weights");
  }

  add(name: string, shape: readonly number[], scale = 0.5): Value {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => scale * (2 * this.#random.uniform() - 1));
    this.state[name] = float32(shape, data);
    return state(name, "float32", shape);
  }
}

/** Embedding 5000 × 10 with mask, LSTM 128, dense 1 with sigmoid: the sentiment model, smaller where asked. */
export function sentiment({ words = 5000, size = 10, units = 128, seed = 1 } = {}): Model {
  const weights = new Weights(seed);
  const ids = transpose(feed("ids", "int32", ["batch", "time"]), [1, 0]);
  const table = weights.add("embedding/embeddings", [words, size]);
  const { h } = recurrence("lstm", {
    X: gather(table, ids),
    W: weights.add("lstm/W", [4 * units, size], 0.3),
    R: weights.add("lstm/R", [4 * units, units], 0.3),
    B: weights.add("lstm/B", [4 * units]),
    lengths: sequenceLengths(ids),
  });
  const logits = add(matmul(h, weights.add("dense/kernel", [units, 1])), weights.add("dense/bias", [1]));
  return { graph: { fetches: { positive: sigmoid(logits) }, updates: [] }, state: weights.state };
}

export interface RecurrentOptions extends RecurrenceSettings<"lstm"> {
  readonly lengths?: boolean;
  readonly initialH?: boolean;
  readonly initialC?: boolean;
  readonly peepholes?: boolean;
}

/** One LSTM from x [batch, time, 3] to y [batch, time, 5], h and c; lengths and initial states are fed where asked for. */
export function recurrent(options: RecurrentOptions, seed = 1): Model {
  const { lengths, initialH, initialC, peepholes, ...settings } = options;
  const weights = new Weights(seed);
  const fed = (name: string, dtype: DType, shape: readonly Dim[]): Value => feed(name, dtype, shape);
  const inputs: RecurrenceInputs<"lstm"> = {
    X: transpose(fed("x", "float32", ["batch", "time", 3]), [1, 0, 2]),
    W: weights.add("W", [20, 3]),
    R: weights.add("R", [20, 5]),
    B: weights.add("B", [20]),
    ...(lengths ? { lengths: fed("lengths", "int32", ["batch"]) } : {}),
    ...(initialH ? { initialH: fed("initialH", "float32", ["batch", 5]) } : {}),
    ...(initialC ? { initialC: fed("initialC", "float32", ["batch", 5]) } : {}),
    ...(peepholes ? { P: weights.add("P", [15]) } : {}),
  };
  const { y, h, c } = recurrence("lstm", inputs, settings);
  return { graph: { fetches: { y: transpose(y, [1, 0, 2]), h, c }, updates: [] }, state: weights.state };
}

/** Ids with 0 behind each row's end; the lengths 0, 1 and `time` come first where the batch has room. */
export function raggedIds(batch: number, time: number, words: number, seed: number): Tensor {
  const random = new RandomStream(seed, "ids");
  const data = new Int32Array(batch * time);
  lengthsOf(batch, time, seed).data.forEach((length, row) => {
    for (let t = 0; t < length; t++) data[row * time + t] = 1 + random.below(words - 1);
  });
  return int32([batch, time], data);
}

export function lengthsOf(batch: number, time: number, seed: number): Tensor {
  const random = new RandomStream(seed, "lengths");
  const edges = [0, time, 1];
  const data = Int32Array.from(
    { length: batch },
    (_, row) => edges[row + (batch === 1 ? 1 : 0)] ?? random.below(time + 1),
  );
  return int32([batch], data);
}

export function randomFloats(shape: readonly number[], seed: number): Tensor {
  const random = new RandomStream(seed, "floats");
  const tensor = zeros("float32", shape);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = 2 * random.uniform() - 1;
  return tensor;
}
