/** The table of the reference: what every op means, by one small function each. */
import type { OpName, RecurrenceGradName, RecurrenceName, Step } from "@ostinato/core";
import { build, type Dense, entry, stack } from "./dense.ts";
import { elementwise } from "./elementwise.ts";
import type { Kernel, Kernels, RunContext } from "./kernel.ts";
import { linear } from "./linear.ts";
import { indexing, shapes, sources } from "./movement.ts";
import { recurrenceTable } from "./recurrent/kernels.ts";

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

type Recurrent = RecurrenceName | RecurrenceGradName;

const kernels: Kernels<Exclude<ComputedOp, Recurrent>> & Partial<Kernels<Recurrent>> = {
  ...sources,
  ...elementwise,
  ...linear,
  ...shapes,
  ...indexing,
  ...normalizers,
  ...recurrenceTable,
  ...structured,
};

/** Whether an op has a definition here. A recurrence without one means what it decomposes into. */
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
