/** What a CTC's predictions say: the most likely step by step, or the most likely labels over all alignments. Plain loops over numbers, in double precision. */
import { DataError, ShapeError } from "../../../errors.ts";
import { showShape } from "../../../ir/value.ts";
import { isRecord, OptionReader, shown } from "../../../nn/options.ts";
import type { Tensor } from "../../../tensor.ts";
import { readLengths } from "../lengths.ts";
import { blankOf, readBlank } from "./ctc.ts";

/** How predictions are read. */
export interface CtcReading {
  /** The steps of each row. Default: all. */
  readonly lengths?: ArrayLike<number>;
  /** The class that says nothing: its number, or "last". Default 0. */
  readonly blank?: number | "last";
  /** Predictions are linear units, or logarithms of probabilities; else probabilities, as a softmax gives them. Default true. */
  readonly fromLogits?: boolean;
}

/** Labels that predictions say. */
export interface CtcPath {
  readonly labels: Int32Array;
  /** The logarithm of their probability: of one alignment where labels are read step by step, of all where they are searched for. */
  readonly score: number;
}

/** Scores a label that would follow others, by what is known of words, say: what is added to the logarithm of its probability. */
export type CtcScorer = (prefix: readonly number[], label: number) => number;

/** Options of `ctcBeamSearch`. */
export interface CtcBeamOptions extends CtcReading {
  /** How many prefixes are kept at each step. Default 100. */
  readonly beamWidth?: number;
  /** How many label sequences come out for each row, the best first; there may be fewer. Default 1. */
  readonly topPaths?: number;
  /** Called once for each prefix and each label that may follow it. Default: nothing is added. */
  readonly score?: CtcScorer;
}

const readings = ["lengths", "blank", "fromLogits"] as const;

/** Predictions, checked, as logarithms of probabilities one row after another. */
interface Heard {
  readonly classes: number;
  readonly blank: number;
  readonly lengths: Int32Array;
  /** log p [time · classes] of a row, in an array that the next row overwrites. */
  row(index: number): Float64Array;
}

function heard(owner: string, predictions: Tensor, options: CtcReading, read: OptionReader): Heard {
  if (!isRecord(predictions) || !Array.isArray(predictions.shape) || predictions.shape.length !== 3)
    throw new ShapeError(
      `${owner}: predictions must be float32[rows, time, classes], got ${isRecord(predictions) && Array.isArray(predictions.shape) ? showShape(predictions.shape) : shown(predictions)}`,
    );
  const [rows, time, classes] = predictions.shape as [number, number, number];
  const fromLogits = read.boolean("fromLogits", true);
  const blank = blankOf({ blank: readBlank(owner, options.blank) }, classes);
  if (blank >= classes)
    throw new ShapeError(`${owner}: the blank is ${blank}, and there are the classes 0 … ${classes - 1}`);
  const lengths = readLengths(owner, options.lengths, rows, time);
  const logs = new Float64Array(time * classes);
  const { data } = predictions;
  return {
    classes,
    blank,
    lengths,
    row(index) {
      const length = lengths[index] as number;
      const from = index * time * classes;
      for (let at = 0; at < length * classes; at += classes) {
        let most = Number.NEGATIVE_INFINITY;
        for (let k = 0; k < classes; k++) {
          const given = data[from + at + k] as number;
          const value = fromLogits ? given : Math.log(given);
          if (Number.isNaN(value))
            throw new DataError(
              `${owner}: row ${index} has ${given} at step ${at / classes}${fromLogits ? "" : "; for linear units leave out fromLogits: false"}`,
            );
          logs[at + k] = value;
          most = Math.max(most, value);
        }
        let sum = 0;
        for (let k = 0; k < classes; k++) sum += Math.exp((logs[at + k] as number) - most);
        const scale = most + Math.log(sum);
        for (let k = 0; k < classes; k++) logs[at + k] = (logs[at + k] as number) - scale;
      }
      return logs;
    },
  };
}

/**
 * The labels that are read from the most likely class of each step: repetitions are one, blanks are left out. Quick, and as a rule near the best.
 *
 * @param predictions float32 [rows, time, classes]
 * @throws ShapeError, DataError, ConfigError
 * @example ctcGreedy(await trained.predict(x), { lengths }).map(({ labels }) => text(labels))
 */
export function ctcGreedy(predictions: Tensor, options: CtcReading = {}): CtcPath[] {
  const owner = "ctcGreedy";
  const read = new OptionReader(owner, options, readings);
  const { classes, blank, lengths, row } = heard(owner, predictions, options, read);
  return Array.from(lengths, (length, index) => {
    const logs = row(index);
    const labels = new Int32Array(length);
    let said = 0;
    let before = blank;
    let score = 0;
    for (let at = 0; at < length * classes; at += classes) {
      let best = 0;
      for (let k = 1; k < classes; k++) if ((logs[at + k] as number) > (logs[at + best] as number)) best = k;
      score += logs[at + best] as number;
      if (best !== blank && best !== before) labels[said++] = best;
      before = best;
    }
    return { labels: labels.slice(0, said), score };
  });
}

/** log(eᵃ + eᵇ). */
function logAddExp(a: number, b: number): number {
  if (a === Number.NEGATIVE_INFINITY) return b;
  return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b));
}

/** Labels that were said up to a step, as a node of a tree. */
interface Prefix {
  readonly parent: Prefix | undefined;
  readonly label: number;
  /** What the scorer adds where its label is said. */
  readonly added: number;
  /** By label. */
  readonly following: Map<number, Prefix>;
  /** log p of all alignments that end in a blank, and of those that end in its label: at this step, and at the next. */
  pause: number;
  said: number;
  nextPause: number;
  nextSaid: number;
  /** The step up to which the next ones are summed. */
  step: number;
}

function prefixOf(parent: Prefix | undefined, label: number, added: number): Prefix {
  const nothing = Number.NEGATIVE_INFINITY;
  return {
    parent,
    label,
    added,
    following: new Map(),
    pause: nothing,
    said: nothing,
    nextPause: nothing,
    nextSaid: nothing,
    step: -1,
  };
}

function labelsOf(prefix: Prefix): number[] {
  const labels: number[] = [];
  for (let at: Prefix = prefix; at.parent !== undefined; at = at.parent) labels.push(at.label);
  return labels.reverse();
}

const total = ({ pause, said }: Prefix): number => logAddExp(pause, said);

/**
 * The most likely labels over all alignments, by a search that keeps the best prefixes at each step (Graves and Jaitly 2014, Hannun et al. 2014). With a beam as wide as there are
 * prefixes it is exact.
 *
 * @param predictions float32 [rows, time, classes]
 * @returns for each row up to `topPaths` label sequences, the best first
 * @throws ShapeError, DataError, ConfigError
 * @example ctcBeamSearch(predictions, { lengths, beamWidth: 50, topPaths: 3, score: (prefix, label) => 0.5 * logOfLetter(prefix, label) })
 */
export function ctcBeamSearch(predictions: Tensor, options: CtcBeamOptions = {}): CtcPath[][] {
  const owner = "ctcBeamSearch";
  const read = new OptionReader(owner, options, [...readings, "beamWidth", "topPaths", "score"]);
  const beamWidth = read.integer("beamWidth", 1, 100);
  const topPaths = read.integer("topPaths", 1, 1);
  read.functions("score");
  const { score } = options;
  const { classes, blank, lengths, row } = heard(owner, predictions, options, read);

  const follow = (prefix: Prefix, label: number): Prefix => {
    const known = prefix.following.get(label);
    if (known) return known;
    const added = score ? score(labelsOf(prefix), label) : 0;
    if (typeof added !== "number" || Number.isNaN(added) || added === Number.POSITIVE_INFINITY)
      throw new DataError(`${owner}: score must give a number for label ${label}, got ${shown(added)}`);
    const next = prefixOf(prefix, label, added);
    prefix.following.set(label, next);
    return next;
  };

  return Array.from(lengths, (length, index) => {
    const logs = row(index);
    const start = prefixOf(undefined, blank, 0);
    start.pause = 0;
    let beam: Prefix[] = [start];
    for (let t = 0; t < length; t++) {
      const at = t * classes;
      const reached: Prefix[] = [];
      const reach = (prefix: Prefix): void => {
        if (prefix.step === t) return;
        prefix.step = t;
        prefix.nextPause = Number.NEGATIVE_INFINITY;
        prefix.nextSaid = Number.NEGATIVE_INFINITY;
        reached.push(prefix);
      };
      for (const prefix of beam) {
        const all = total(prefix);
        reach(prefix);
        prefix.nextPause = logAddExp(prefix.nextPause, all + (logs[at + blank] as number));
        if (prefix.parent !== undefined)
          prefix.nextSaid = logAddExp(prefix.nextSaid, prefix.said + (logs[at + prefix.label] as number));
        for (let label = 0; label < classes; label++) {
          if (label === blank) continue;
          const from = label === prefix.label && prefix.parent !== undefined ? prefix.pause : all;
          const likelihood = from + (logs[at + label] as number);
          if (likelihood === Number.NEGATIVE_INFINITY) continue;
          const next = follow(prefix, label);
          if (next.added === Number.NEGATIVE_INFINITY) continue;
          reach(next);
          next.nextSaid = logAddExp(next.nextSaid, likelihood + next.added);
        }
      }
      for (const prefix of beam) {
        prefix.pause = Number.NEGATIVE_INFINITY;
        prefix.said = Number.NEGATIVE_INFINITY;
      }
      for (const prefix of reached) {
        prefix.pause = prefix.nextPause;
        prefix.said = prefix.nextSaid;
      }
      beam = best(reached, beamWidth);
    }
    return best(beam, topPaths).map((prefix) => ({ labels: Int32Array.from(labelsOf(prefix)), score: total(prefix) }));
  });
}

/** The `count` likeliest, the best first; what came first of equal ones. */
function best(prefixes: readonly Prefix[], count: number): Prefix[] {
  return prefixes
    .map((prefix) => ({ prefix, all: total(prefix) }))
    .sort((a, b) => b.all - a.all)
    .slice(0, count)
    .map(({ prefix }) => prefix);
}
