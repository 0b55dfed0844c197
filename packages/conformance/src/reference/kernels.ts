/** The table of the reference: what every op means, by one small function each. */
import type { OpName, RecurrenceGradName, RecurrenceName, Step } from "@ostinato/core";
import { build, type Dense, entry, stack } from "./dense.ts";
import { elementwise } from "./elementwise.ts";
import type { Kernel, Kernels, RunContext } from "./kernel.ts";
import { linear } from "./linear.ts";
import { indexing, shapes, sources } from "./movement.ts";
import { recurrenceTable } from "./recurrent/kernels.ts";
import { trees } from "./trees.ts";

/** Every op but `input`, whose values a run is given. */
export type ComputedOp = Exclude<OpName, "input">;

/** For each row along the last axis: its elements less their maximum, and the sum of their exponentials. */
function softmaxParts(x: Dense): { shifted: (position: number) => number; total: (position: number) => number } {
  const width = x.shape.at(-1) ?? 1;
  const maxima: number[] = [];
  const totals: number[] = [];
  for (let row = 0; row * width < x.data.length; row++) {
    const elements = Array.from(x.data.subarray(row * width, (row + 1) * width));
    maxima[row] = Math.max(...elements);
    totals[row] = elements.reduce((total, element) => total + Math.exp(element - maxima[row]), 0);
  }
  const rowOf = (position: number): number => Math.floor(position / width);
  return {
    shifted: (position) => x.data[position] - maxima[rowOf(position)],
    total: (position) => totals[rowOf(position)],
  };
}

const normalizers: Kernels<"softmax" | "logSoftmax"> = {
  softmax: ([x]) => {
    const { shifted, total } = softmaxParts(x);
    return [build("float64", x.shape, (_index, position) => Math.exp(shifted(position)) / total(position))];
  },
  logSoftmax: ([x]) => {
    const { shifted, total } = softmaxParts(x);
    return [build("float64", x.shape, (_index, position) => shifted(position) - Math.log(total(position)))];
  },
};

/** The weight of class `k` where the label is `label`. */
const targetOf = (label: number, k: number, classes: number, smoothing: number): number =>
  (k === label ? 1 - smoothing : 0) + smoothing / classes;

const crossentropies: Kernels<"softmaxCrossentropy" | "softmaxCrossentropyGrad"> = {
  softmaxCrossentropy: ([logits, labels], { labelSmoothing }) => {
    const classes = logits.shape.at(-1) ?? 1;
    const rows = Array.from(labels.data, (label, row) => {
      const z = Array.from(logits.data.subarray(row * classes, (row + 1) * classes));
      const largest = Math.max(...z);
      const logSum = Math.log(z.reduce((total, element) => total + Math.exp(element - largest), 0));
      let loss = 0;
      z.forEach((element, k) => {
        const weight = targetOf(label, k, classes, labelSmoothing);
        // A class without weight may be impossible.
        if (weight !== 0) loss -= weight * (element - largest - logSum);
      });
      return [loss, largest, logSum];
    });
    return [0, 1, 2].map((output) => build("float64", labels.shape, (_index, row) => rows[row][output]));
  },
  softmaxCrossentropyGrad: ([logits, labels, largest, logSum, cotangent], { labelSmoothing }) => {
    const classes = logits.shape.at(-1) ?? 1;
    return [
      build("float64", logits.shape, (_index, position) => {
        const row = Math.floor(position / classes);
        const probability = Math.exp(logits.data[position] - largest.data[row] - logSum.data[row]);
        const weight = targetOf(labels.data[row], position % classes, classes, labelSmoothing);
        return cotangent.data[row] * (probability - weight);
      }),
    ];
  },
};

const structured: Kernels<"scan"> = {
  scan: (inputs, { carries, sequences, reverse }, { runBody }) => {
    const stacked = inputs.slice(carries, carries + sequences);
    const constants = inputs.slice(carries + sequences);
    const steps = Array.from({ length: stacked[0].shape[0] }, (_, t) => t);
    let carried = inputs.slice(0, carries) as readonly Dense[];
    const outputs: Dense[][] = [];
    const history: Dense[][] = carried.map(() => []);
    for (const t of reverse ? steps.toReversed() : steps) {
      carried.forEach((carry, i) => {
        history[i][t] = carry;
      });
      const results = runBody([...carried, ...stacked.map((x) => entry(x, t)), ...constants]);
      carried = results.slice(0, carries);
      results.slice(carries).forEach((output, i) => {
        outputs[i] ??= [];
        outputs[i][t] = output;
      });
    }
    return [...carried, ...outputs.map(stack), ...history.map(stack)];
  },
};

/** Ops that may mean what they decompose into. */
type Composed = RecurrenceName | RecurrenceGradName | "biasedDot" | "gatheredDot" | "fused";

const kernels: Kernels<Exclude<ComputedOp, Composed>> & Partial<Kernels<Composed>> = {
  ...sources,
  ...elementwise,
  ...linear,
  ...shapes,
  ...indexing,
  ...normalizers,
  ...crossentropies,
  ...recurrenceTable,
  ...structured,
  ...trees,
};

/** Whether an op has a definition here. A composite without one means what it decomposes into. */
export function hasKernel(op: OpName): op is ComputedOp {
  return Object.hasOwn(kernels, op);
}

/** Computes one op that has a definition. */
export function compute<O extends ComputedOp>(
  op: O,
  inputs: readonly Dense[],
  attrs: Step<O>["attrs"],
  context: RunContext,
): readonly Dense[] {
  return (kernels[op] as unknown as Kernel<O>)(inputs, attrs, context);
}
