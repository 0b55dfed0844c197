/**
 * The LSTM of ONNX's operator in plain loops, one row and one unit at a time, and its gradient by back-propagation through time
 * (Werbos 1990): each row walks its own valid steps, so nothing needs a mask.
 */
import type { LstmAttrs, LstmOption, RecurrentActivation } from "@ostinato/core";
import { type Dense, empty } from "./dense.ts";
import { relu, sigmoid } from "./elementwise.ts";
import type { Kernels } from "./kernel.ts";

interface Activation {
  readonly value: (x: number) => number;
  /** The derivative at x. */
  readonly slope: (x: number) => number;
}

const activations: { readonly [A in RecurrentActivation]: Activation } = {
  Sigmoid: { value: sigmoid, slope: (x) => sigmoid(x) * (1 - sigmoid(x)) },
  Tanh: { value: Math.tanh, slope: (x) => 1 - Math.tanh(x) ** 2 },
  Relu: { value: relu, slope: (x) => (x > 0 ? 1 : 0) },
};

/** The activation of an input that is bounded first. At the bound itself the gradient still flows. */
function clipped({ value, slope }: Activation, clip: number): Activation {
  const bounded = (x: number): number => Math.max(Math.min(x, clip), -clip);
  return { value: (x) => value(bounded(x)), slope: (x) => (Math.abs(x) <= clip ? slope(x) : 0) };
}

/** An `lstm` with its inputs by name. */
interface Lstm {
  readonly time: number;
  readonly batch: number;
  readonly inputSize: number;
  readonly hidden: number;
  readonly X: Dense;
  readonly W: Dense;
  readonly R: Dense;
  readonly B: Dense;
  readonly P: Dense;
  readonly initialH: Dense;
  readonly initialC: Dense;
  /** What goes from the state to a gate is multiplied by this: [4, batch, hidden]. */
  readonly recurrentMask?: Dense;
  /** f for the gates, g for the candidate, h for the output. */
  readonly f: Activation;
  readonly g: Activation;
  readonly h: Activation;
  readonly inputForget: boolean;
  /** The valid steps of a row, in the order in which the recurrence takes them. */
  readonly stepsOf: (row: number) => readonly number[];
}

function readLstm(inputs: readonly Dense[], attrs: LstmAttrs): Lstm {
  const [X, W, R, B] = inputs;
  const option = (name: LstmOption): Dense | undefined =>
    attrs.options.includes(name) ? inputs[4 + attrs.options.indexOf(name)] : undefined;
  const [time, batch, inputSize] = X.shape;
  const hidden = attrs.hiddenSize;
  const [f, g, h] = attrs.activations.map((name) => activations[name]);
  const clip = attrs.clip ?? Infinity;
  const lengths = option("lengths");
  const recurrentMask = option("recurrentMask");
  return {
    ...{ time, batch, inputSize, hidden, X, W, R, B },
    P: option("P") ?? empty("float64", [3 * hidden]),
    initialH: option("initialH") ?? empty("float64", [batch, hidden]),
    initialC: option("initialC") ?? empty("float64", [batch, hidden]),
    ...(recurrentMask ? { recurrentMask } : {}),
    f: clipped(f, clip),
    g: clipped(g, clip),
    h,
    inputForget: attrs.inputForget,
    stepsOf: (row) => {
      const steps = Array.from({ length: lengths ? lengths.data[row] : time }, (_, t) => t);
      return attrs.direction === "reverse" ? steps.reverse() : steps;
    },
  };
}

/** The blocks of the gates in W, R, B and `gates`, and of the peepholes in P. */
const gate = { i: 0, o: 1, f: 2, c: 3 } as const;

/** One step of one row: every vector is [hidden], `sums` are the inputs of the four gates. */
interface Step {
  readonly t: number;
  readonly h0: readonly number[];
  readonly c0: readonly number[];
  readonly sums: readonly number[];
  /** The activated gates i, o, f, c. */
  readonly gates: readonly number[];
  readonly c: readonly number[];
  readonly h: readonly number[];
}

/** The factor of unit `n` of the state on its way to row `k` of the gates. */
function keptOf({ recurrentMask, batch, hidden }: Lstm, k: number, row: number, n: number): number {
  return recurrentMask ? recurrentMask.data[(Math.floor(k / hidden) * batch + row) * hidden + n] : 1;
}

function forwardStep(lstm: Lstm, t: number, row: number, h0: readonly number[], c0: readonly number[]): Step {
  const { X, W, R, B, P, hidden, inputSize, batch } = lstm;
  const x = X.data.subarray((t * batch + row) * inputSize, (t * batch + row + 1) * inputSize);
  const sums = Array.from(B.data, (bias, k) => {
    let sum = bias;
    for (let n = 0; n < inputSize; n++) sum += W.data[k * inputSize + n] * x[n];
    for (let n = 0; n < hidden; n++) sum += R.data[k * hidden + n] * h0[n] * keptOf(lstm, k, row, n);
    return sum;
  });
  const gates = sums.map(() => 0);
  const c: number[] = [];
  const h: number[] = [];
  for (let n = 0; n < hidden; n++) {
    const at = (block: number): number => block * hidden + n;
    sums[at(gate.i)] += P.data[at(gate.i)] * c0[n];
    sums[at(gate.f)] += P.data[at(gate.f)] * c0[n];
    const i = lstm.f.value(sums[at(gate.i)]);
    const f = lstm.inputForget ? 1 - i : lstm.f.value(sums[at(gate.f)]);
    const candidate = lstm.g.value(sums[at(gate.c)]);
    c[n] = f * c0[n] + i * candidate;
    sums[at(gate.o)] += P.data[at(gate.o)] * c[n];
    const o = lstm.f.value(sums[at(gate.o)]);
    h[n] = o * lstm.h.value(c[n]);
    gates[at(gate.i)] = i;
    gates[at(gate.o)] = o;
    gates[at(gate.f)] = f;
    gates[at(gate.c)] = candidate;
  }
  return { t, h0, c0, sums, gates, c, h };
}

function rowOf(x: Dense, row: number): number[] {
  const [, width] = x.shape;
  return Array.from(x.data.subarray(row * width, (row + 1) * width));
}

function forwardRow(lstm: Lstm, row: number): Step[] {
  let h = rowOf(lstm.initialH, row) as readonly number[];
  let c = rowOf(lstm.initialC, row) as readonly number[];
  return lstm.stepsOf(row).map((t) => {
    const step = forwardStep(lstm, t, row, h, c);
    ({ h, c } = step);
    return step;
  });
}

export const recurrences: Kernels<"lstm" | "lstmGrad"> = {
  lstm: (inputs, attrs) => {
    const lstm = readLstm(inputs, attrs);
    const { time, batch, hidden } = lstm;
    const y = empty("float64", [time, batch, hidden]);
    const h = empty("float64", [batch, hidden]);
    const c = empty("float64", [batch, hidden]);
    const gates = empty("float64", [time, batch, 4 * hidden]);
    const cells = empty("float64", [time, batch, hidden]);
    for (let row = 0; row < batch; row++) {
      const steps = forwardRow(lstm, row);
      for (const step of steps) {
        const position = step.t * batch + row;
        y.data.set(step.h, position * hidden);
        gates.data.set(step.gates, position * 4 * hidden);
        cells.data.set(step.c, position * hidden);
      }
      h.data.set(steps.at(-1)?.h ?? rowOf(lstm.initialH, row), row * hidden);
      c.data.set(steps.at(-1)?.c ?? rowOf(lstm.initialC, row), row * hidden);
    }
    return [y, h, c, gates, cells];
  },

  // Runs the forward pass again instead of reading y, gates and cells: the definition leans on nothing that was kept.
  lstmGrad: (inputs, attrs) => {
    const lstm = readLstm(inputs, attrs);
    const { time, batch, inputSize, hidden, X, W, R, P } = lstm;
    const given = inputs.slice(-attrs.cotangents.length);
    const cotangent = (name: "y" | "h" | "c"): Dense => {
      const shape = name === "y" ? [time, batch, hidden] : [batch, hidden];
      return attrs.cotangents.includes(name) ? given[attrs.cotangents.indexOf(name)] : empty("float64", shape);
    };
    const [dy, dhLast, dcLast] = [cotangent("y"), cotangent("h"), cotangent("c")];
    const dX = empty("float64", X.shape);
    const dW = empty("float64", W.shape);
    const dR = empty("float64", R.shape);
    const dB = empty("float64", [4 * hidden]);
    const dP = empty("float64", P.shape);
    const dInitialH = empty("float64", [batch, hidden]);
    const dInitialC = empty("float64", [batch, hidden]);

    for (let row = 0; row < batch; row++) {
      let dh = rowOf(dhLast, row);
      const dc = rowOf(dcLast, row);
      for (const { t, h0, c0, sums, gates, c } of forwardRow(lstm, row).reverse()) {
        const position = t * batch + row;
        const dSums = sums.map(() => 0);
        for (let n = 0; n < hidden; n++) {
          const at = (block: number): number => block * hidden + n;
          const [i, o, f, candidate] = [gate.i, gate.o, gate.f, gate.c].map((block) => gates[at(block)]);
          const dy1 = dh[n] + dy.data[position * hidden + n];
          // h = o · h(c), and o sees c through its peephole.
          dSums[at(gate.o)] = dy1 * lstm.h.value(c[n]) * lstm.f.slope(sums[at(gate.o)]);
          const dc1 = dc[n] + dy1 * o * lstm.h.slope(c[n]) + dSums[at(gate.o)] * P.data[at(gate.o)];
          // c = f · c0 + i · candidate, with f = 1 - i where the gates are coupled.
          const df = dc1 * c0[n];
          const di = dc1 * candidate - (lstm.inputForget ? df : 0);
          dSums[at(gate.i)] = di * lstm.f.slope(sums[at(gate.i)]);
          dSums[at(gate.f)] = lstm.inputForget ? 0 : df * lstm.f.slope(sums[at(gate.f)]);
          dSums[at(gate.c)] = dc1 * i * lstm.g.slope(sums[at(gate.c)]);
          dc[n] = dc1 * f + dSums[at(gate.i)] * P.data[at(gate.i)] + dSums[at(gate.f)] * P.data[at(gate.f)];
          dP.data[at(gate.i)] += dSums[at(gate.i)] * c0[n];
          dP.data[at(gate.o)] += dSums[at(gate.o)] * c[n];
          dP.data[at(gate.f)] += dSums[at(gate.f)] * c0[n];
        }
        dh = dh.map(() => 0);
        dSums.forEach((dSum, k) => {
          dB.data[k] += dSum;
          for (let n = 0; n < inputSize; n++) {
            dW.data[k * inputSize + n] += dSum * X.data[position * inputSize + n];
            dX.data[position * inputSize + n] += dSum * W.data[k * inputSize + n];
          }
          for (let n = 0; n < hidden; n++) {
            const kept = keptOf(lstm, k, row, n);
            dR.data[k * hidden + n] += dSum * h0[n] * kept;
            dh[n] += dSum * R.data[k * hidden + n] * kept;
          }
        });
      }
      dInitialH.data.set(dh, row * hidden);
      dInitialC.data.set(dc, row * hidden);
    }
    const optional = { initialH: dInitialH, initialC: dInitialC, P: dP };
    return [
      dX,
      dW,
      dR,
      dB,
      ...attrs.options.flatMap((option) => (option in optional ? [optional[option as keyof typeof optional]] : [])),
    ];
  },
};
