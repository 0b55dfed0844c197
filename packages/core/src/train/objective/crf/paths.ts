/** Paths of tags: the best one, and the probability of each tag. Plain loops over numbers, in double precision. */
import { ConfigError, DataError, ShapeError } from "../../../errors.ts";
import { showShape } from "../../../ir/value.ts";
import { isRecord, OptionReader, shown } from "../../../nn/options.ts";
import { type Float32Tensor, type Tensor, zeros } from "../../../tensor.ts";
import { readLengths } from "../lengths.ts";
import { type CrfConstraints, readConstraints } from "./constraints.ts";

/** What paths are scored by. */
export interface PathOptions {
  /** The steps of each row. Default: all. */
  readonly lengths?: ArrayLike<number>;
  /** float32 [tags, tags]: of a step from one tag to the next. */
  readonly transitions: Tensor;
  /** float32 [tags]: of the first tag. Default 0. */
  readonly start?: Tensor;
  /** float32 [tags]: of the last tag. Default 0. */
  readonly end?: Tensor;
  /** Paths that are not allowed take no part. Default: all are. */
  readonly constraints?: CrfConstraints | null;
}

/** The best path of each row. */
export interface ViterbiPaths {
  /** As many tags as the row has steps. */
  readonly tags: Int32Array[];
  /** The score of each path: the sum of its emissions and transitions, its start and its end. 0 for rows without steps. */
  readonly scores: Float64Array;
}

/** Scores and emissions, checked. What is not allowed is -∞. */
interface Lattice {
  readonly rows: number;
  readonly time: number;
  readonly count: number;
  readonly lengths: Int32Array;
  readonly emissions: ArrayLike<number>;
  /** [to · count + from]. */
  readonly steps: Float64Array;
  readonly start: Float64Array;
  readonly end: Float64Array;
}

const isNumbers = (tensor: unknown): tensor is Tensor =>
  isRecord(tensor) && Array.isArray(tensor.shape) && ArrayBuffer.isView(tensor.data);

function expectShape(owner: string, name: string, tensor: unknown, shape: readonly number[]): ArrayLike<number> {
  if (isNumbers(tensor) && tensor.shape.join() === shape.join()) return tensor.data;
  throw new ShapeError(
    `${owner}: ${name} must be float32${showShape(shape)}, got ${isNumbers(tensor) ? `${tensor.dtype}${showShape(tensor.shape)}` : shown(tensor)}`,
  );
}

function latticeOf(owner: string, emissions: Tensor, options: PathOptions): Lattice {
  new OptionReader(owner, options, ["lengths", "transitions", "start", "end", "constraints"]);
  if (!isNumbers(emissions) || emissions.shape.length !== 3)
    throw new ShapeError(
      `${owner}: emissions must be float32[rows, time, tags], got ${isNumbers(emissions) ? `${emissions.dtype}${showShape(emissions.shape)}` : shown(emissions)}`,
    );
  const [rows, time, count] = emissions.shape as [number, number, number];
  const constraints = options.constraints == null ? undefined : readConstraints(owner, options.constraints);
  if (constraints && constraints.start.length !== count)
    throw new ConfigError(
      `${owner}: constraints are for ${constraints.start.length} tags, the emissions have ${count}`,
    );
  const transitions = expectShape(owner, "transitions", options.transitions, [count, count]);
  const steps = new Float64Array(count * count);
  for (let from = 0; from < count; from++)
    for (let to = 0; to < count; to++)
      steps[to * count + from] =
        constraints?.transitions[from]?.[to] === false
          ? Number.NEGATIVE_INFINITY
          : (transitions[from * count + to] as number);
  const ends = (name: "start" | "end"): Float64Array => {
    const given = options[name];
    const scores = given === undefined ? undefined : expectShape(owner, name, given, [count]);
    return Float64Array.from({ length: count }, (_, tag) =>
      constraints?.[name][tag] === false ? Number.NEGATIVE_INFINITY : ((scores?.[tag] ?? 0) as number),
    );
  };
  return {
    rows,
    time,
    count,
    lengths: readLengths(owner, options.lengths, rows, time),
    emissions: emissions.data,
    steps,
    start: ends("start"),
    end: ends("end"),
  };
}

/** Why a row has no path with a score. */
function noPath(owner: string, row: number, length: number, emissions: ArrayLike<number>, at: number, count: number) {
  for (let i = at; i < at + length * count; i++)
    if (!Number.isFinite(emissions[i]))
      return new DataError(`${owner}: row ${row} has an emission that is ${emissions[i]}, not a finite number`);
  return new DataError(`${owner}: row ${row}: the constraints allow no path of ${length} steps`);
}

/**
 * The path of tags with the largest score for each row (Viterbi 1967). Of equal ones it takes that with the smallest numbers, from the last tag on.
 *
 * @param emissions float32 [rows, time, tags], what a model with a `crf` predicts; or logarithms of probabilities
 * @throws ShapeError, ConfigError for scores that do not fit; DataError for a row of which no path is allowed
 * @example viterbi(await trained.predict(x), { lengths, transitions, start, end, constraints: bioConstraints(tags) }).tags
 */
export function viterbi(emissions: Tensor, options: PathOptions): ViterbiPaths {
  const owner = "viterbi";
  const { rows, time, count, lengths, emissions: values, steps, start, end } = latticeOf(owner, emissions, options);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const back = new Int32Array(longest * count);
  let scores = new Float64Array(count);
  let before = new Float64Array(count);
  const best = new Float64Array(rows);
  const tags = Array.from(lengths, (length, row) => {
    const path = new Int32Array(length);
    if (length === 0) return path;
    const at = row * time * count;
    for (let tag = 0; tag < count; tag++) scores[tag] = (start[tag] as number) + (values[at + tag] as number);
    for (let t = 1; t < length; t++) {
      [scores, before] = [before, scores];
      const now = at + t * count;
      for (let to = 0; to < count; to++) {
        let from = 0;
        let most = Number.NEGATIVE_INFINITY;
        for (let i = 0, k = to * count; i < count; i++, k++) {
          const score = (before[i] as number) + (steps[k] as number);
          if (score > most) {
            most = score;
            from = i;
          }
        }
        scores[to] = most + (values[now + to] as number);
        back[t * count + to] = from;
      }
    }
    let last = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (let tag = 0; tag < count; tag++) {
      const score = (scores[tag] as number) + (end[tag] as number);
      if (score > most) {
        most = score;
        last = tag;
      }
    }
    if (!Number.isFinite(most)) throw noPath(owner, row, length, values, at, count);
    best[row] = most;
    for (let t = length - 1; t >= 0; t--) {
      path[t] = last;
      last = back[t * count + last] as number;
    }
    return path;
  });
  return { tags, scores: best };
}

/** log(Σ exp(a[i] + b[k + i])). */
function logSumExpOf(a: Float64Array, b: Float64Array, k: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < a.length; i++) most = Math.max(most, (a[i] as number) + (b[k + i] as number));
  if (most === Number.NEGATIVE_INFINITY) return most;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.exp((a[i] as number) + (b[k + i] as number) - most);
  return most + Math.log(sum);
}

/** What all paths of a row say together. */
export interface CrfMarginals {
  /** float32 [rows, time, tags]: the probability of each tag at each step, given the whole row; zeros past a row's length. */
  readonly probabilities: Float32Tensor;
  /** The logarithm of the sum of exp(score) over all paths of a row: exp(score - this) is the probability of one of them. 0 for rows without steps. */
  readonly logPartitions: Float64Array;
}

/**
 * The probability of each tag at each step, summed over all paths of the row (forward-backward, Rabiner 1989).
 *
 * @param emissions float32 [rows, time, tags], what a model with a `crf` predicts
 * @throws as `viterbi`
 */
export function crfMarginals(emissions: Tensor, options: PathOptions): CrfMarginals {
  const owner = "crfMarginals";
  const { rows, time, count, lengths, emissions: values, steps, start, end } = latticeOf(owner, emissions, options);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const forward = Array.from({ length: longest }, () => new Float64Array(count));
  const reversed = steps.map((_, k) => steps[(k % count) * count + Math.floor(k / count)] as number);
  const ahead = new Float64Array(count);
  const after = new Float64Array(count);
  const probabilities = zeros("float32", [rows, time, count]) as Float32Tensor;
  const logPartitions = new Float64Array(rows);
  lengths.forEach((length, row) => {
    if (length === 0) return;
    const at = row * time * count;
    for (let t = 0; t < length; t++) {
      const now = forward[t] as Float64Array;
      for (let tag = 0; tag < count; tag++) {
        const reached =
          t === 0 ? (start[tag] as number) : logSumExpOf(forward[t - 1] as Float64Array, steps, tag * count);
        now[tag] = reached + (values[at + t * count + tag] as number);
      }
    }
    const total = logSumExpOf(forward[length - 1] as Float64Array, end, 0);
    if (!Number.isFinite(total)) throw noPath(owner, row, length, values, at, count);
    logPartitions[row] = total;
    after.set(end);
    for (let t = length - 1; t >= 0; t--) {
      const now = forward[t] as Float64Array;
      for (let tag = 0; tag < count; tag++)
        probabilities.data[at + t * count + tag] = Math.exp((now[tag] as number) + (after[tag] as number) - total);
      for (let tag = 0; tag < count; tag++)
        ahead[tag] = (after[tag] as number) + (values[at + t * count + tag] as number);
      for (let tag = 0; tag < count; tag++) after[tag] = logSumExpOf(ahead, reversed, tag * count);
    }
  });
  return { probabilities, logPartitions };
}
