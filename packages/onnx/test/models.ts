/** Graphs like those of real models, with random weights. */
import {
  concat,
  embedding,
  factsOf,
  feed,
  float32,
  type Graph,
  gather,
  inferenceGraph,
  initialOf,
  input,
  int32,
  type Model as LayerModel,
  matmul,
  nodesOf,
  optionsOf,
  RandomStream,
  type RecurrenceInputs,
  type RecurrenceName,
  type RecurrenceOption,
  type RecurrenceSettings,
  recurrence,
  rootsOf,
  sequenceLengths,
  sequential,
  sigmoid,
  sizeOf,
  state,
  type Tensor,
  type Tensors,
  type Trained,
  transpose,
  treeLstm,
  type Value,
  zeros,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";

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

/** Attributes, and the optional inputs that are there: states and lengths are fed, weights have data of their own. */
export type RecurrentOptions<R extends RecurrenceName = RecurrenceName> = RecurrenceSettings<R> & {
  readonly [O in Exclude<RecurrenceOption<R>, "recurrentMask">]?: boolean;
};

/** Where a recurrence stands in a graph: what it reads, and what its weights and the states it is fed are called. */
export interface Place {
  readonly weights: Weights;
  readonly X: Value;
  /** Stands before the names. */
  readonly prefix?: string;
  readonly units?: number;
  /** Initial states that are not fed, by role. */
  readonly states?: Readonly<Record<string, Value>>;
  /** The name that the lengths are fed under. */
  readonly lengths?: string;
}

/** The outputs of one recurrence, by name. */
export function recurrentAt<R extends RecurrenceName>(
  name: R,
  options: RecurrentOptions<R>,
  { weights, X, prefix = "", units = 5, states = {}, lengths = "lengths" }: Place,
): Readonly<Record<string, Value>> & { readonly y: Value; readonly h: Value } {
  const { gates, peepholes } = factsOf(name);
  const roles: readonly string[] = optionsOf(name);
  const settings = Object.entries(options).filter(([option]) => !roles.includes(option));
  const rows = units * gates.length;
  const weight = (role: string, shape: readonly number[]): Value => weights.add(`${prefix}${role}`, shape);
  const optional = (role: string): Value => {
    if (role === "lengths") return feed(lengths, "int32", ["batch"]);
    if (role === "P") return weight(role, [units * peepholes.length]);
    if (role === "recurrentBias") return weight(role, [rows]);
    return states[role] ?? feed(`${prefix}${role}`, "float32", ["batch", units]);
  };
  const asked = roles.filter((role) => (options as Readonly<Record<string, unknown>>)[role] === true);
  const inputs = {
    X,
    W: weight("W", [rows, X.type.shape[2] as number]),
    R: weight("R", [rows, units]),
    B: weight("B", [rows]),
    ...Object.fromEntries(asked.map((role) => [role, optional(role)])),
  };
  return recurrence(
    name,
    inputs as unknown as RecurrenceInputs<R>,
    Object.fromEntries(settings) as RecurrenceSettings<R>,
  ) as ReturnType<typeof recurrentAt>;
}

const batchMajor = (y: Value): Value => transpose(y, [1, 0, 2]);
/** A feed [batch, time, 3], time first. */
export const sequence = (name: string): Value => batchMajor(feed(name, "float32", ["batch", "time", 3]));

/** One recurrence from x [batch, time, 3] to y [batch, time, 5] and its last states. */
export function recurrent<R extends RecurrenceName>(name: R, options: RecurrentOptions<R>, seed = 1): Model {
  const weights = new Weights(seed);
  const { y, ...last } = recurrentAt(name, options, { weights, X: sequence("x") });
  return { graph: { fetches: { y: batchMajor(y), ...last }, updates: [] }, state: weights.state };
}

/** The names of both directions' weights and states begin with these. */
export const bothPrefixes = ["forward/", "reverse/"] as const;

/** A recurrence in both directions, from x to y [batch, time, 10] and the last states of each. */
export function recurrentBothWays<R extends RecurrenceName>(name: R, options: RecurrentOptions<R>, seed = 1): Model {
  const weights = new Weights(seed);
  const X = sequence("x");
  const [forward, reverse] = (["forward", "reverse"] as const).map((direction, i) =>
    recurrentAt(name, { ...options, direction }, { weights, X, prefix: bothPrefixes[i] as string }),
  ) as [ReturnType<typeof recurrentAt>, ReturnType<typeof recurrentAt>];
  const states = factsOf(name).states.flatMap((state) => [
    [`forward/${state}`, forward[state] as Value],
    [`reverse/${state}`, reverse[state] as Value],
  ]);
  const y = batchMajor(concat([forward.y, reverse.y], 2));
  return { graph: { fetches: { y, ...Object.fromEntries(states) }, updates: [] }, state: weights.state };
}

/** Feeds for it, its states under names that begin with each of `prefixes`. */
export function recurrentFeeds<R extends RecurrenceName>(
  name: R,
  options: RecurrentOptions<R>,
  batch: number,
  time: number,
  prefixes: readonly string[] = [""],
): Tensors {
  const seed = 100 * batch + time;
  const asked = options as Readonly<Record<string, unknown>>;
  const initial = factsOf(name).states.map(initialOf);
  const begun = prefixes.flatMap((prefix) => initial.flatMap((role) => (asked[role] ? [`${prefix}${role}`] : [])));
  return {
    x: randomFloats([batch, time, 3], seed),
    ...(asked.lengths ? { lengths: lengthsOf(batch, time, seed) } : {}),
    ...Object.fromEntries(begun.map((role, i) => [role, randomFloats([batch, 5], seed + 1 + i)])),
  };
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

/** A model as if it were trained: every parameter random. */
export function trainedOf({ spec }: LayerModel, seed = 1): Trained {
  const random = new RandomStream(seed, "trained");
  const weights: Record<string, Tensor> = {};
  for (const { op, attrs } of nodesOf(rootsOf(inferenceGraph(spec)))) {
    if (op !== "input" || attrs.kind !== "state") continue;
    const shape = attrs.shape as readonly number[];
    const size = shape.reduce((a, b) => a * b, 1);
    weights[attrs.name] = float32(
      shape,
      Float32Array.from({ length: size }, () => random.uniform() - 0.5),
    );
  }
  return { spec, weights };
}

/** A model that reads trees. */
export const trees = (): Trained =>
  trainedOf(
    sequential([
      input({ shape: ["time"], tree: true }),
      embedding({ inputDim: 5, outputDim: 2 }),
      treeLstm({ units: 2, type: "nary", arity: 2, returnSequences: true }),
      treeLstm({ units: 2, type: "nary", arity: 3 }),
    ]),
  );

/** Two trees for it, a node with two children and a node alone; `wrong` replaces indexes. */
export function forest(wrong: { readonly [input: string]: readonly number[] } = {}): Tensors {
  const indexes = {
    nodes: [0, 0, 0, 1, 1, 0, 0, 2],
    edges: [0, 3, 0, 1, 3, 1, -1, -1, -1, -1, -1, -1],
    levels: [3, 0, 4, 2],
    ...wrong,
  };
  return {
    input: int32([2, 3], [1, 2, 3, 4, 0, 0]),
    "input/lengths": int32([2], [3, 1]),
    "input/nodes": int32([4, 2], indexes.nodes),
    "input/edges": int32([4, 3], indexes.edges),
    "input/levels": int32([2, 2], indexes.levels),
  };
}
