/** Attention written out naively: one row at a time, one pair of steps at a time. */

type Vector = readonly number[];
/** A row of a sequence, or one vector: a query of one step. */
interface Row {
  readonly steps: readonly Vector[];
  readonly vector?: Vector;
  readonly length: number;
}

type Config = Readonly<Record<string, unknown>>;
type Weights = (suffix: string) => ArrayLike<number>;

const dot = (a: Vector, b: Vector): number => a.reduce((sum, v, i) => sum + v * b[i], 0);

/** x · kernel, a matrix [x, width] row by row. */
const product = (x: Vector, kernel: ArrayLike<number>, width: number): number[] =>
  Array.from({ length: width }, (_, j) => x.reduce((sum, v, i) => sum + v * kernel[i * width + j], 0));

/** How well a key fits a query. */
function score(kind: string, config: Config, weights: Weights, q: Vector, k: Vector): number {
  const pairs = (a: Vector, b: Vector): number[] => a.map((v, i) => Math.tanh(v + b[i]));
  if (kind === "additiveAttention") {
    const units = config.units as number | null;
    const both =
      units === null
        ? pairs(q, k)
        : pairs(product(q, weights("queryKernel"), units), product(k, weights("keyKernel"), units));
    return config.useScale ? dot(both, Array.from(weights("scale"))) : both.reduce((sum, v) => sum + v, 0);
  }
  const scale = config.useScale ? weights("scale")[0] : 1;
  switch (config.scoreMode) {
    case "concat":
      return (
        weights("concatScoreWeight")[0] *
        pairs(
          q.map((v) => scale * v),
          k.map((v) => scale * v),
        ).reduce((sum, v) => sum + v, 0)
      );
    case "general":
      return scale * dot(product(q, weights("kernel"), k.length), k);
    case "scaled":
      return (scale * dot(q, k)) / Math.sqrt(q.length);
    default:
      return scale * dot(q, k);
  }
}

export const attentionKinds = ["attention", "additiveAttention"] as const;

/** The weights of each step of a query: a row of `valueTime` numbers each. */
export function attentionScores(kind: string, config: Config, weights: Weights, rows: readonly Row[]): number[][] {
  const [query, value, key = value] = rows;
  const length = Math.min(value.length, key.length);
  const asked = query.vector ? [query.vector] : query.steps;
  return asked.map((q, step) => {
    const counts = (t: number): boolean =>
      t < length && (query.vector !== undefined || step < query.length) && !(config.useCausalMask && t > step);
    const powers = key.steps.map((k, t) => (counts(t) ? Math.exp(score(kind, config, weights, q, k)) : 0));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => (total === 0 ? 0 : power / total));
  });
}

/** What attention gives for one row. */
export function attend<R extends Row>(kind: string, config: Config, weights: Weights, rows: readonly R[]): R {
  const [query, value] = rows;
  const width = value.steps[0].length;
  const sums = attentionScores(kind, config, weights, rows).map((of) =>
    Array.from({ length: width }, (_, k) => of.reduce((sum, weight, t) => sum + weight * value.steps[t][k], 0)),
  );
  return query.vector ? { ...query, vector: sums[0] } : { ...query, steps: sums };
}
