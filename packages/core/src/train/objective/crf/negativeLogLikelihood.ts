/** The loss of a linear-chain CRF as graph: how unlikely a row's tags are among all paths of their length. */
import { add, equal, less, mul, select, sub } from "../../../ir/build/elementwise.ts";
import { gather, sequenceMask } from "../../../ir/build/index.ts";
import { logSumExp, sum } from "../../../ir/build/reduce.ts";
import { broadcast, reshape, slice, transpose } from "../../../ir/build/shape.ts";
import { full, iota } from "../../../ir/build/source.ts";
import type { Dim, Value } from "../../../ir/ops.ts";
import { scan } from "../../../recurrent/scan.ts";
import { oneHot } from "../losses.ts";

/** What a path is scored by, beside its emissions. */
export interface PathScores {
  /** float32 [tags, tags]: of a step from one tag to the next. */
  readonly transitions: Value;
  /** float32 [tags]: of the first tag. */
  readonly start: Value;
  /** float32 [tags]: of the last tag. */
  readonly end: Value;
}

/**
 * -log p(tags | emissions) of each row: the logarithm of the sum of exp(score) over all paths, less the score of the row's own.
 *
 * The forward variables are scaled to sum to 1 at each step (Rabiner 1989, section V.A), in the log domain; the loss is the sum of what the steps were scaled by, each
 * less what the row's own path scores there. So its terms stay small however long a row is, and no digits are lost in a difference of large numbers.
 *
 * @param emissions float32 [time, batch, tags]
 * @param tags int32 [time, batch]
 * @param lengths int32 [batch]; absent: every row has all steps. What is past a row's length is not read
 * @returns float32 [batch]; 0 for rows of length 0
 */
export function negativeLogLikelihood(
  emissions: Value,
  tags: Value,
  lengths: Value | undefined,
  { transitions, start, end }: PathScores,
): Value {
  const [time, batch, count] = emissions.type.shape as [Dim, Dim, number];
  // [to, from, batch]: with the batch last, what a step reads and sums lies in whole runs of memory.
  const pairs: readonly Dim[] = [count, count, batch];
  const column: readonly Dim[] = [count, batch];
  const isFirst = equal(iota(time), 0);
  const { carries, outputs } = scan({
    initial: [full(0, column), full(0, [batch], "int32")],
    sequences: [transpose(emissions, [0, 2, 1]), tags, isFirst, ...(lengths ? [sequenceMask(lengths, time)] : [])],
    constants: [broadcast(transpose(transitions, [1, 0]), pairs, [0, 1]), broadcast(start, column, [0])],
    body: (carried, slices, constants) => {
      const [forward, before] = carried as [Value, Value];
      const [emission, tag, first, within] = slices as [Value, Value, Value, Value?];
      const [steps, begin] = constants as [Value, Value];
      const reached = logSumExp(add(broadcast(forward, pairs, [1, 2]), steps), [1]);
      const scores = add(select(broadcast(first, column, []), begin, reached), emission);
      const scale = logSumExp(scores, [0]);
      const next = sub(scores, broadcast(scale, column, [1]));
      const kept = within
        ? [select(broadcast(within, column, [1]), next, forward), select(within, tag, before)]
        : [next, tag];
      return { carries: kept, outputs: [scale, before] };
    },
  });
  const [forward, last] = carries as [Value, Value];
  const [scales, before] = outputs as [Value, Value];
  const everywhere = (x: Value, axis: number): Value => broadcast(x, tags.type.shape, [axis]);
  const begun = gather(start, reshape(slice(tags, 0, 0, 1), [batch]));
  const moved = gather(reshape(transitions, [count * count]), add(mul(before, count), tags));
  const emitted = sum(mul(oneHot(tags, count), emissions), [2]);
  const own = add(emitted, select(everywhere(isFirst, 0), everywhere(begun, 1), moved));
  const ending = sub(logSumExp(add(forward, broadcast(end, column, [0])), [0]), gather(end, last));
  const terms = sub(scales, own);
  if (!lengths) return add(sum(terms, [0]), ending);
  return add(sum(select(sequenceMask(lengths, time), terms, 0), [0]), select(less(0, lengths), ending, 0));
}
