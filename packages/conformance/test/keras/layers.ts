/** Keras's layers written out naively: double precision, nested lists, one row at a time, straight from the formulas. */
import type { ModelSpec, Tensors } from "@ostinato/core";
import { activations } from "./activations.ts";
import { attend, attentionKinds } from "./attention.ts";
import { kerasRecurrence, type RecurrentKind, recurrentKinds } from "./recurrence.ts";

/** One row of data on its way through layers: ids, or vectors over time, or one vector. */
export interface Row {
  readonly ids: readonly number[];
  readonly steps: readonly (readonly number[])[];
  /** Absent where there is time. */
  readonly vector?: readonly number[];
  /** How many steps count. */
  readonly length: number;
}

type Config = Readonly<Record<string, unknown>>;
type Weights = (suffix: string) => ArrayLike<number>;

function perVector(row: Row, f: (x: readonly number[]) => number[]): Row {
  return row.vector ? { ...row, vector: f(row.vector) } : { ...row, steps: row.steps.map(f) };
}

function embedding(row: Row, config: Config, weights: Weights): Row {
  const width = config.outputDim as number;
  const table = Array.from(weights("embeddings"));
  const lastWord = row.ids.reduce((last, id, t) => (id !== 0 ? t + 1 : last), 0);
  return {
    ids: [],
    steps: row.ids.map((id) => table.slice(id * width, (id + 1) * width)),
    length: config.maskZero ? lastWord : row.length,
  };
}

/** Ids are looked up, and vectors turned back. */
function reversibleEmbedding(row: Row, config: Config, weights: Weights): Row {
  if (row.ids.length > 0) return embedding(row, config, weights);
  const { inputDim, outputDim } = config as { inputDim: number; outputDim: number };
  const table = weights("embeddings");
  const bias = config.useBias ? weights("bias") : new Float64Array(inputDim);
  return perVector(row, (x) =>
    activations[config.activation as string](
      Array.from({ length: inputDim }, (_, id) =>
        x.reduce((sum, v, k) => sum + v * table[id * outputDim + k], bias[id]),
      ),
    ),
  );
}

const recurrent =
  (kind: RecurrentKind) =>
  (row: Row, config: Config, weights: Weights): Row => {
    const { steps, states } = kerasRecurrence(kind, row, config, weights);
    return config.returnSequences ? { ...row, steps } : { ...row, steps: [], vector: states[0] };
  };

function dense(row: Row, config: Config, weights: Weights): Row {
  const units = config.units as number;
  const kernel = weights("kernel");
  const bias = config.useBias ? weights("bias") : new Float64Array(units);
  return perVector(row, (x) =>
    activations[config.activation as string](
      Array.from({ length: units }, (_, u) => x.reduce((sum, v, k) => sum + v * kernel[k * units + u], bias[u])),
    ),
  );
}

function layerNormalization(row: Row, config: Config, weights: Weights): Row {
  return perVector(row, (x) => {
    const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
    const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
    const gamma = config.scale ? weights("gamma") : x.map(() => 1);
    const beta = config.center ? weights("beta") : x.map(() => 0);
    return x.map((v, k) => (gamma[k] * (v - mean)) / Math.sqrt(variance + (config.epsilon as number)) + beta[k]);
  });
}

function timeDistributed(row: Row, config: Config, weights: Weights): Row {
  const inner = config.layer as { readonly kind: string; readonly config: Config };
  const steps = row.steps.map((vector) => {
    const made = layers[inner.kind]({ ids: [], steps: [], vector, length: 1 }, inner.config, (suffix) =>
      weights(`layer/${suffix}`),
    );
    return made.vector as readonly number[];
  });
  return { ...row, steps };
}

function masking(row: Row, config: Config): Row {
  const masked = row.steps.map((x) => x.every((v) => v === config.maskValue));
  const length = masked.slice(0, row.length).lastIndexOf(false) + 1;
  return { ...row, steps: row.steps.map((x, t) => (masked[t] ? x.map(() => 0) : x)), length };
}

function repeatVector({ vector = [] }: Row, config: Config): Row {
  const length = config.n as number;
  return { ids: [], steps: Array.from({ length }, () => vector), length };
}

/** One number of each feature over the steps that count; zeros where there is none. */
const pooled =
  (f: (values: readonly number[]) => number) =>
  (row: Row): Row => {
    const steps = row.steps.slice(0, row.length);
    const vector = row.steps[0].map((_, k) => (steps.length === 0 ? 0 : f(steps.map((x) => x[k]))));
    return { ...row, steps: [], vector };
  };

const layers: Readonly<Record<string, (row: Row, config: Config, weights: Weights) => Row>> = {
  embedding,
  reversibleEmbedding,
  ...Object.fromEntries(recurrentKinds.map((kind) => [kind, recurrent(kind)])),
  dense,
  dropout: (row) => row,
  activation: (row, config) => perVector(row, activations[config.activation as string]),
  layerNormalization,
  timeDistributed,
  masking,
  repeatVector,
  spatialDropout1d: (row) => row,
  gaussianNoise: (row) => row,
  globalMaxPooling1d: pooled((values) => Math.max(...values)),
  globalAveragePooling1d: pooled((values) => values.reduce((sum, v) => sum + v, 0) / values.length),
  lastStep: pooled((values) => values.at(-1) as number),
};

/** The rows that several inputs hold at one step: those that have not ended there. */
function together(rows: readonly Row[], merge: (present: readonly (readonly number[] | undefined)[]) => number[]): Row {
  const [first] = rows;
  if (first.vector) return { ...first, vector: merge(rows.map(({ vector }) => vector)) };
  const length = Math.max(...rows.map((row) => row.length));
  const steps = Array.from({ length }, (_, t) => merge(rows.map((row) => (t < row.length ? row.steps[t] : undefined))));
  return { ids: [], steps, length };
}

/** A number for each feature out of those of the inputs that are present. */
const byElement =
  (f: (values: readonly number[]) => number) =>
  (rows: readonly Row[]): Row =>
    together(rows, (all) => {
      const present = all.filter((x) => x !== undefined);
      return present[0].map((_, k) => f(present.map((x) => x[k])));
    });

const merging: Readonly<Record<string, (rows: readonly Row[]) => Row>> = {
  concatenate: (rows) => {
    const widths = rows.map(({ vector, steps }) => (vector ?? steps[0]).length);
    return together(rows, (all) => all.flatMap((x, i) => x ?? Array.from({ length: widths[i] }, () => 0)));
  },
  add: byElement((values) => values.reduce((sum, v) => sum + v, 0)),
  multiply: byElement((values) => values.reduce((product, v) => product * v, 1)),
  average: byElement((values) => values.reduce((sum, v) => sum + v, 0) / values.length),
  maximum: byElement((values) => Math.max(...values)),
  minimum: byElement((values) => Math.min(...values)),
  subtract: (rows) =>
    together(rows, ([a, b]) => (a ?? (b as readonly number[])).map((_, k) => (a?.[k] ?? 0) - (b?.[k] ?? 0))),
};

/** What a model makes of one row of each of its inputs in inference: its first output. */
export function kerasPredict(spec: ModelSpec, weights: Tensors, ...inputs: readonly Row[]): Row {
  const results: Row[] = [];
  const read = (source: ModelSpec["outputs"][number]["source"]): Row =>
    "input" in source ? inputs[source.input] : results[source.call];
  for (const call of spec.calls) {
    const { kind, name, config } = spec.layers[call.layer];
    const rows = call.sources.map(read);
    const own: Weights = (suffix) => weights[`${name}/${suffix}`].data;
    if (kind in merging) results.push(merging[kind](rows));
    else if ((attentionKinds as readonly string[]).includes(kind))
      results.push(attend(kind, config as Config, own, rows));
    else results.push(layers[kind](rows[0], config as Config, own));
  }
  return read(spec.outputs[0].source);
}
