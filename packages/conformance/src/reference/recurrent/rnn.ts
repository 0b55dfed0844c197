/** One step of the simple recurrent network and its gradient; the formula stands in core's `cells/rnn.ts`. */
import type { RecurrenceAttrs } from "@ostinato/core";
import {
  backToInput,
  backToState,
  clipped,
  recurrenceKernels,
  sumsOfInput,
  sumsOfState,
  type Tape,
} from "./recurrence.ts";

interface RnnTape extends Tape {
  readonly h0: readonly number[];
  readonly sums: readonly number[];
}

export const rnn = recurrenceKernels<RecurrenceAttrs<"rnn">, RnnTape>("rnn", {
  forward(recurrence, _attrs, { t, row }, [h0]) {
    const { hidden, activations, clip } = recurrence;
    const fromState = sumsOfState(recurrence, row, h0, 0, hidden);
    const sums = sumsOfInput(recurrence, t, row).map((sum, n) => sum + fromState[n]);
    return { states: [sums.map(clipped(activations[0], clip).value)], kept: [], h0, sums };
  },
  backward(recurrence, _attrs, { t, row }, { h0, sums }, [dh], gradients) {
    const { activations, clip } = recurrence;
    const { slope } = clipped(activations[0], clip);
    const dSums = sums.map((sum, n) => dh[n] * slope(sum));
    backToInput(recurrence, gradients, t, row, dSums);
    return [backToState(recurrence, gradients, row, h0, 0, dSums)];
  },
});
