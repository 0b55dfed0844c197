/** The loss of connectionist temporal classification as graph: how unlikely a row's labels are among all alignments (Graves et al. 2006). */
import { add, cast, equal, exp, less, log, maximum, neg, select, sub } from "../../../ir/build/elementwise.ts";
import { gather, sequenceMask } from "../../../ir/build/index.ts";
import { dot } from "../../../ir/build/linear.ts";
import { logSumExp, sum } from "../../../ir/build/reduce.ts";
import { broadcast, reshape, slice, transpose } from "../../../ir/build/shape.ts";
import { full, iota } from "../../../ir/build/source.ts";
import type { Dim, Value } from "../../../ir/ops.ts";
import { scan } from "../../../recurrent/scan.ts";
import { oneHot } from "../losses.ts";

/** log 0, in the place of -∞, which would make NaN of gradients. Sums over 10,000 steps stay finite. */
const NOTHING = -1e30;
/** From here on a loss says that there is no alignment. */
const IMPOSSIBLE = 1e29;

/** log(Σ eˣ) element by element. Elementwise ops alone, so that they are computed together. */
function logAddExp(...values: readonly Value[]): Value {
  const largest = values.reduce((a, b) => maximum(a, b));
  const powers = values.map((value) => exp(sub(value, largest)));
  return add(largest, log(powers.reduce((a, b) => add(a, b))));
}

/**
 * -log p(labels | logits) of each row: the logarithm of the sum over all alignments, which say each label one or more times in its order, with blanks between at will and
 * between equal labels at least one.
 *
 * A state is "the last label was said", one for each label, or "a blank after it"; and "a blank before all". So labels need no blanks between them in memory. The forward
 * variables are scaled to sum to 1 at each step, in the log domain, and the loss is less the sum of what they were scaled by.
 *
 * @param logProbabilities float32 [time, batch, classes]
 * @param labels int32 [labels, batch]
 * @param labelLengths int32 [batch]
 * @param lengths int32 [batch]; absent: every row has all steps
 * @returns float32 [batch]; 0, without a gradient, for a row whose labels do not fit its steps
 */
export function negativeLogLikelihood(
  logProbabilities: Value,
  labels: Value,
  labelLengths: Value,
  lengths: Value | undefined,
  blank: number,
): Value {
  const [time, batch, classes] = logProbabilities.type.shape as [Dim, Dim, number];
  const [count] = labels.type.shape as [Dim];
  const states: readonly Dim[] = [count, batch];
  const place = broadcast(iota(count), states, [0]);
  const over = (row: Value): Value => broadcast(row, states, [1]);
  const isFirst = equal(place, 0);
  const isLast = equal(place, over(sub(labelLengths, 1)));
  const isLabel = sequenceMask(labelLengths, count);
  const before = cast(maximum(sub(iota(count), 1), 0), "int32");
  const repeats = equal(labels, gather(labels, before));
  /** Whether a label may follow the one before it without a blank between. */
  const skips = select(isFirst, full(0, states), select(repeats, full(0, states), 1));
  const said = transpose(
    dot(oneHot(labels, classes), logProbabilities, { contract: [[2], [2]], batch: [[1], [1]] }),
    [2, 1, 0],
  );
  const silent = reshape(slice(logProbabilities, 2, blank, 1), [time, batch]);
  const { carries, outputs } = scan({
    initial: [full(0, [batch]), full(NOTHING, states), full(NOTHING, states)],
    sequences: [said, silent, ...(lengths ? [sequenceMask(lengths, time)] : [])],
    constants: [before, skips, cast(isFirst, "float32"), cast(isLabel, "float32")],
    body: (carried, slices, constants) => {
      const [none, label, pause] = carried as [Value, Value, Value];
      const [saying, pausing, within] = slices as [Value, Value, Value?];
      const [previous, free, first, real] = constants as [Value, Value, Value, Value];
      const paused = select(less(0, first), over(none), gather(pause, previous));
      const spoken = select(less(0, free), gather(label, previous), NOTHING);
      const labels = add(logAddExp(label, paused, spoken), saying);
      const pauses = add(logAddExp(pause, label), over(pausing));
      const next = [
        add(none, pausing),
        select(less(0, real), labels, NOTHING),
        select(less(0, real), pauses, NOTHING),
      ] as const;
      const scale = logAddExp(next[0], logSumExp(next[1], [0]), logSumExp(next[2], [0]));
      const scaled = [sub(next[0], scale), sub(next[1], over(scale)), sub(next[2], over(scale))];
      if (!within) return { carries: scaled, outputs: [scale] };
      return {
        carries: scaled.map((value, i) =>
          select(i === 0 ? within : broadcast(within, states, [1]), value, carried[i] as Value),
        ),
        outputs: [select(within, scale, 0)],
      };
    },
  });
  const [none, label, pause] = carries as [Value, Value, Value];
  const ended = (value: Value): Value => logSumExp(select(isLast, value, NOTHING), [0]);
  const end = logAddExp(select(equal(labelLengths, 0), none, NOTHING), ended(label), ended(pause));
  const loss = neg(add(sum(outputs[0] as Value, [0]), end));
  // What is no number stays none, so that a training hears of it.
  return select(less(IMPOSSIBLE, loss), 0, loss);
}
