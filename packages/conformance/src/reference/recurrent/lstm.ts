/** One step of the LSTM and its gradient; the formulas stand in core's `cells/lstm.ts`. */
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

/** The blocks of the gates in W, R, B and `gates`, and of the peepholes in P. */
const gate = { i: 0, o: 1, f: 2, c: 3 } as const;

/** A step: every vector is [hidden], `sums` are the inputs of the four gates. */
interface LstmTape extends Tape {
  readonly h0: readonly number[];
  readonly c0: readonly number[];
  readonly sums: readonly number[];
  /** The activated gates i, o, f, c. */
  readonly gates: readonly number[];
  readonly c: readonly number[];
}

/** f for the gates, g for the candidate, h for the output. */
function activationsOf({ activations, clip }: Recurrence): readonly [Activation, Activation, Activation] {
  const [f, g, h] = activations;
  return [clipped(f, clip), clipped(g, clip), h];
}

export const lstm = recurrenceKernels<RecurrenceAttrs<"lstm">, LstmTape>("lstm", {
  forward(recurrence, { inputForget }, { t, row }, [h0, c0]) {
    const { hidden, input } = recurrence;
    const P = input("P");
    const [f, g, h] = activationsOf(recurrence);
    const fromState = sumsOfState(recurrence, row, h0, 0, 4 * hidden);
    const sums = sumsOfInput(recurrence, t, row).map((sum, k) => sum + fromState[k]);
    const gates = sums.map(() => 0);
    const c: number[] = [];
    const y: number[] = [];
    for (let n = 0; n < hidden; n++) {
      const at = (block: number): number => block * hidden + n;
      sums[at(gate.i)] += P.data[at(gate.i)] * c0[n];
      sums[at(gate.f)] += P.data[at(gate.f)] * c0[n];
      const i = f.value(sums[at(gate.i)]);
      const forget = inputForget ? 1 - i : f.value(sums[at(gate.f)]);
      const candidate = g.value(sums[at(gate.c)]);
      c[n] = forget * c0[n] + i * candidate;
      sums[at(gate.o)] += P.data[at(gate.o)] * c[n];
      const o = f.value(sums[at(gate.o)]);
      y[n] = o * h.value(c[n]);
      gates[at(gate.i)] = i;
      gates[at(gate.o)] = o;
      gates[at(gate.f)] = forget;
      gates[at(gate.c)] = candidate;
    }
    return { states: [y, c], kept: [gates, c], h0, c0, sums, gates, c };
  },

  backward(recurrence, { inputForget }, { t, row }, { h0, c0, sums, gates, c }, [dh, dcAfter], gradients) {
    const { hidden, input } = recurrence;
    const P = input("P");
    const dP = gradients.P;
    const [f, g, h] = activationsOf(recurrence);
    const dSums = sums.map(() => 0);
    const dc = dcAfter.map((dcn, n) => {
      const at = (block: number): number => block * hidden + n;
      const [i, o, forget, candidate] = [gate.i, gate.o, gate.f, gate.c].map((block) => gates[at(block)]);
      // y = o · h(c), and o sees c through its peephole.
      dSums[at(gate.o)] = dh[n] * h.value(c[n]) * f.slope(sums[at(gate.o)]);
      const dc1 = dcn + dh[n] * o * h.slope(c[n]) + dSums[at(gate.o)] * P.data[at(gate.o)];
      // c = f · c0 + i · candidate, with f = 1 - i where the gates are coupled.
      const df = dc1 * c0[n];
      const di = dc1 * candidate - (inputForget ? df : 0);
      dSums[at(gate.i)] = di * f.slope(sums[at(gate.i)]);
      dSums[at(gate.f)] = inputForget ? 0 : df * f.slope(sums[at(gate.f)]);
      dSums[at(gate.c)] = dc1 * i * g.slope(sums[at(gate.c)]);
      dP.data[at(gate.i)] += dSums[at(gate.i)] * c0[n];
      dP.data[at(gate.o)] += dSums[at(gate.o)] * c[n];
      dP.data[at(gate.f)] += dSums[at(gate.f)] * c0[n];
      return dc1 * forget + dSums[at(gate.i)] * P.data[at(gate.i)] + dSums[at(gate.f)] * P.data[at(gate.f)];
    });
    backToInput(recurrence, gradients, t, row, dSums);
    return [backToState(recurrence, gradients, row, h0, 0, dSums), dc];
  },
});
