/** Runs the steps of a program, one kernel after the other, and releases each tensor after its last reader. */
import type { AnyStep, Block, OpAttrs, Step } from "@ostinato/core";
import type { Device } from "./device.ts";
import type { KernelName, TfjsKernel } from "./kernels/kernel.ts";
import { entriesOf, shaped, stacked } from "./kernels/movement.ts";
import { kernels } from "./kernels/table.ts";
import type { Plan } from "./plan.ts";
import type { TensorInfo } from "./tfjs.ts";

/** The tensors of a run by the number of their value. Each slot holds a tensor of its own, even where two share data. */
export type Slots = (TensorInfo | undefined)[];

interface Run {
  readonly device: Device;
  readonly plan: Plan;
  readonly slots: Slots;
}

function read({ slots }: Run, number: number): TensorInfo {
  return slots[number] as TensorInfo;
}

function drop({ device, slots }: Run, number: number): void {
  const x = slots[number];
  if (x === undefined) return;
  device.release(x);
  slots[number] = undefined;
}

/** An output of a step that is not a scan. */
function compute(run: Run, step: AnyStep, at: number): TensorInfo {
  const { device, plan } = run;
  const output = step.outputs[at] as number;
  const constant = plan.constants.get(output);
  if (constant !== undefined) return device.share(constant);
  if (plan.program.values[output]?.uniform) return device.reshape(read(run, step.inputs[0] as number), []);
  return (kernels[step.op as KernelName] as TfjsKernel).run({
    device,
    inputs: step.inputs.map((number) => read(run, number)),
    attrs: step.attrs as OpAttrs[KernelName],
    sizes: plan.sizes,
    output: at,
    shape: plan.shapes[output] as number[],
  });
}

export function execute(run: Run, steps: readonly AnyStep[]): void {
  for (const step of steps) {
    if (step.op === "scan") executeScan(run, step);
    else
      step.outputs.forEach((output, at) => {
        if (output >= 0) run.slots[output] = compute(run, step, at);
      });
    for (const number of step.releases) drop(run, number);
  }
}

/** One result a step, kept at the place of its step until all are there. */
interface Collected {
  /** The value that all of them make, stacked. */
  readonly output: number;
  readonly entries: TensorInfo[];
}

function collect(outputs: readonly number[]): (Collected | undefined)[] {
  return outputs.map((output) => (output < 0 ? undefined : { output, entries: [] }));
}

function executeScan(run: Run, step: Step<"scan">): void {
  const { device, slots } = run;
  const { carries, sequences, reverse } = step.attrs;
  const { parameters, results, steps } = step.block as Block;
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
    execute(run, steps);
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
