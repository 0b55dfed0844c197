/**
 * Attention as functions of values: scores, weights, and the values that they weigh. Layers are built on them, and so can a step of a recurrence be. A query
 * is [queryTime, batch, features], or [batch, features] where it is one step; keys and values are [valueTime, batch, features]. Scores are
 * [batch, queryTime, valueTime], or [batch, valueTime] for a query of one step.
 */
import { add, less, minimum, mul, select, softmax, tanh } from "../../ir/build/elementwise.ts";
import { sequenceMask } from "../../ir/build/index.ts";
import { dot } from "../../ir/build/linear.ts";
import { sum } from "../../ir/build/reduce.ts";
import { broadcast, transpose } from "../../ir/build/shape.ts";
import { iota, size } from "../../ir/build/source.ts";
import type { Dim, Shape, Value } from "../../ir/ops.ts";

const isOneStep = (query: Value): boolean => query.type.shape.length === 2;

/** query · key for each pair of steps (Luong et al. 2015). Both have the same number of features. */
export function dotScores(query: Value, keys: Value): Value {
  const [batch, features] = isOneStep(query) ? [0, 1] : [1, 2];
  return dot(query, keys, { batch: [[batch], [1]], contract: [[features], [2]] });
}

/**
 * Σ scale ∘ tanh(query + key) for each pair of steps (Bahdanau et al. 2015): both projected to the same number of features, `scale` [features] or absent.
 * It makes [queryTime, valueTime, batch, features] on the way.
 */
export function additiveScores(query: Value, keys: Value, scale?: Value): Value {
  const one = isOneStep(query);
  const shape = one ? keys.type.shape : [query.type.shape[0] as Dim, ...keys.type.shape];
  const last = shape.length - 1;
  const pairs = tanh(
    add(broadcast(query, shape, one ? [1, 2] : [0, 2, 3]), broadcast(keys, shape, [last - 2, last - 1, last])),
  );
  const scores = sum(scale ? mul(pairs, scale) : pairs, [last]);
  return transpose(scores, one ? [1, 0] : [2, 0, 1]);
}

/** What limits the steps that a query attends to. */
export interface Limits {
  /** int32 [batch], of the query: its steps from there on attend to nothing. */
  readonly queryLengths?: Value | undefined;
  /** int32 [batch], of the values: nothing attends to their steps from there on. */
  readonly valueLengths?: Value | undefined;
  /** Each step attends to those up to itself; query and values are over the same time. */
  readonly causal?: boolean;
}

/**
 * How many steps of the values, from the first on, each step of the query attends to: int32 of the shape of `scores` without the last axis; undefined
 * where it is all of them.
 */
export function stepsAttended(scores: Value, { queryLengths, valueLengths, causal }: Limits): Value | undefined {
  const shape: Shape = scores.type.shape.slice(0, -1);
  const perRow = (lengths: Value): Value => broadcast(lengths, shape, [0]);
  const step = (): Value => broadcast(iota(shape[1] as Dim), shape, [1]);
  const limits = [...(valueLengths ? [perRow(valueLengths)] : []), ...(causal ? [add(step(), 1)] : [])];
  const limit = limits.length > 0 ? limits.reduce((a, b) => minimum(a, b)) : undefined;
  if (!queryLengths || shape.length === 1) return limit;
  const counted = transpose(sequenceMask(queryLengths, shape[1] as Dim), [1, 0]);
  return select(counted, limit ?? size(scores.type.shape.at(-1) as Dim), 0);
}

/** So low that its power is 0 beside any score. A finite number, so that a row without steps has no NaN on the way. */
const LOWEST = -3e38;

/**
 * The softmax of the scores over the steps that are attended to, exactly 0 for all others; zeros where there are none.
 *
 * @param attended int32 of the shape of `scores` without the last axis, as `stepsAttended` gives it
 */
export function attentionWeights(scores: Value, attended: Value | undefined): Value {
  if (attended === undefined) return softmax(scores);
  const { shape } = scores.type;
  const last = shape.length - 1;
  const counts = less(
    broadcast(iota(shape[last] as Dim), shape, [last]),
    broadcast(
      attended,
      shape,
      attended.type.shape.map((_, axis) => axis),
    ),
  );
  return select(counts, softmax(select(counts, scores, LOWEST)), 0);
}

/** Σ weight · value over the steps of the values: [queryTime, batch, features], or [batch, features] for a query of one step. */
export function weightedSum(weights: Value, values: Value): Value {
  const last = weights.type.shape.length - 1;
  const sums = dot(weights, values, { batch: [[0], [1]], contract: [[last], [0]] });
  return last === 1 ? sums : transpose(sums, [1, 0, 2]);
}
