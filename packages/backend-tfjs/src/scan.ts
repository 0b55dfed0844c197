/** `scan` by a loop on the host: one step after the other, each on its entry of the sequences. */
import type { Block, Step } from "@ostinato/core";
import { entriesOf, shaped, stacked } from "./kernels/movement.ts";
import { drop, type Run, read } from "./run.ts";
import type { TensorInfo } from "./tfjs.ts";

/** One result a step, kept at the place of its step until all are there. */
interface Collected {
  /** The value that all of them make, stacked. */
  readonly output: number;
  readonly entries: TensorInfo[];
}

function collect(outputs: readonly number[]): (Collected | undefined)[] {
  return outputs.map((output) => (output < 0 ? undefined : { output, entries: [] }));
}

/** `runBody` runs the steps of the block. */
export function executeScan(run: Run, step: Step<"scan">, runBody: () => void): void {
  const { device, slots } = run;
  const { carries, sequences, reverse } = step.attrs;
  const { parameters, results } = step.block as Block;
  const inputs = step.inputs.map((number) => read(run, number));
  const moving = parameters.slice(0, carries + sequences);
  const fixed = parameters.slice(carries + sequences);
  const own = new Set([...moving, ...results.filter((number) => !fixed.includes(number))]);

  let carried = inputs.slice(0, carries).map((x) => device.share(x));
  const entries = inputs.slice(carries, carries + sequences).map((x) => entriesOf(device, x));
  const outputs = collect(step.outputs.slice(carries, results.length));
  const history = collect(step.outputs.slice(results.length));
  fixed.forEach((parameter, i) => {
    slots[parameter] = device.share(inputs[carries + sequences + i] as TensorInfo);
  });

  const time = inputs[carries]?.shape[0] as number;
  for (let k = 0; k < time; k++) {
    const t = reverse ? time - 1 - k : k;
    history.forEach((kept, i) => {
      if (kept) kept.entries[t] = device.share(carried[i] as TensorInfo);
    });
    moving.forEach((parameter, i) => {
      slots[parameter] = i < carries ? carried[i] : entries[i - carries]?.(t);
    });
    runBody();
    carried = results.slice(0, carries).map((number) => device.share(read(run, number)));
    outputs.forEach((kept, i) => {
      if (kept) kept.entries[t] = device.share(read(run, results[carries + i] as number));
    });
    for (const number of own) drop(run, number);
  }

  for (const number of fixed) drop(run, number);
  carried.forEach((x, i) => {
    const output = step.outputs[i] as number;
    if (output >= 0) slots[output] = x;
    else device.release(x);
  });
  for (const kept of [...outputs, ...history]) {
    if (kept)
      slots[kept.output] = shaped(device, stacked(device, kept.entries), run.plan.shapes[kept.output] as number[]);
  }
}
