/** One step of the gated recurrent unit and its gradient; the formulas stand in core's `cells/gru.ts`. */
import type { RecurrenceAttrs } from "@ostinato/core";
import {
  type Activation,
  backToInput,
  backToState,
  clipped,
  type Recurrence,
  recurrenceKernels,
  sumsOfInput,
  sumsOfState,
  type Tape,
} from "./recurrence.ts";

/** A step: every vector is [hidden], `sums` are the inputs of the activations of z, r and h. */
interface GruTape extends Tape {
  readonly h0: readonly number[];
  readonly sums: readonly number[];
  readonly z: readonly number[];
  readonly r: readonly number[];
  readonly candidate: readonly number[];
  /** What goes into the product with Rh: the state, or the state that is reset before. */
  readonly into: readonly number[];
  /** The product with Rh and its bias, before a reset that comes after it. */
  readonly fromState: readonly number[];
}

function activationsOf({ activations, clip }: Recurrence): readonly [Activation, Activation] {
  const [f, g] = activations;
  return [clipped(f, clip), clipped(g, clip)];
}

export const gru = recurrenceKernels<RecurrenceAttrs<"gru">, GruTape>("gru", {
  forward(recurrence, { linearBeforeReset }, { t, row }, [h0]) {
    const { hidden } = recurrence;
    const [f, g] = activationsOf(recurrence);
    const sums = sumsOfInput(recurrence, t, row);
    sumsOfState(recurrence, row, h0, 0, 2 * hidden).forEach((sum, k) => {
      sums[k] += sum;
    });
    const z = sums.slice(0, hidden).map(f.value);
    const r = sums.slice(hidden, 2 * hidden).map(f.value);
    const into = linearBeforeReset ? h0 : h0.map((value, n) => r[n] * value);
    const fromState = sumsOfState(recurrence, row, into, 2 * hidden, 3 * hidden);
    const candidate = fromState.map((sum, n) => {
      sums[2 * hidden + n] += linearBeforeReset ? r[n] * sum : sum;
      return g.value(sums[2 * hidden + n]);
    });
    const h = h0.map((value, n) => (1 - z[n]) * candidate[n] + z[n] * value);
    return { states: [h], kept: [[...z, ...r, ...candidate]], h0, sums, z, r, candidate, into, fromState };
  },

  backward(recurrence, { linearBeforeReset }, { t, row }, tape, [dh], gradients) {
    const { h0, sums, z, r, candidate, into, fromState } = tape;
    const { hidden } = recurrence;
    const [f, g] = activationsOf(recurrence);
    const dz = dh.map((d, n) => d * (h0[n] - candidate[n]) * f.slope(sums[n]));
    const dCandidate = dh.map((d, n) => d * (1 - z[n]) * g.slope(sums[2 * hidden + n]));
    const dFromState = linearBeforeReset ? dCandidate.map((d, n) => d * r[n]) : dCandidate;
    const dInto = backToState(recurrence, gradients, row, into, 2 * hidden, dFromState);
    const dr = r.map((_, n) => {
      const d = linearBeforeReset ? dCandidate[n] * fromState[n] : dInto[n] * h0[n];
      return d * f.slope(sums[hidden + n]);
    });
    const dGates = backToState(recurrence, gradients, row, h0, 0, [...dz, ...dr]);
    backToInput(recurrence, gradients, t, row, [...dz, ...dr, ...dCandidate]);
    return [dh.map((d, n) => d * z[n] + dGates[n] + (linearBeforeReset ? dInto[n] : dInto[n] * r[n]))];
  },
});
