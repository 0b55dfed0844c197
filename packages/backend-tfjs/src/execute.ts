/** Runs the steps of a program, one kernel after the other, and releases each tensor after its last reader. */
import type { AnyStep, Block, OpAttrs, ProgramValue } from "@ostinato/core";
import type { KernelName, TfjsKernel } from "./kernels/kernel.ts";
import { ofNothing } from "./kernels/nothing.ts";
import { kernels } from "./kernels/table.ts";
import { drop, type Run, read } from "./run.ts";
import { executeScan } from "./scan.ts";
import type { TensorInfo } from "./tfjs.ts";
import { executeTree, executeTreeGrad } from "./tree.ts";

/** An output of a step that has no block. */
function compute(run: Run, step: AnyStep, at: number): TensorInfo {
  const { device, plan } = run;
  const output = step.outputs[at] as number;
  const constant = plan.constants.get(output);
  if (constant !== undefined) return device.share(constant);
  const inputs = step.inputs.map((number) => read(run, number));
  const { uniform, dtype } = plan.program.values[output] as ProgramValue;
  const shape = uniform ? [] : (plan.shapes[output] as number[]);
  const call = { device, inputs, attrs: step.attrs as OpAttrs[KernelName], sizes: plan.sizes, output: at, shape };
  const op = step.op as KernelName;
  const made = ofNothing(op, call, dtype);
  if (made) return made;
  return uniform ? device.reshape(inputs[0] as TensorInfo, []) : (kernels[op] as TfjsKernel).run(call);
}

export function execute(run: Run, steps: readonly AnyStep[]): void {
  for (const step of steps) {
    const runBody = (): void => execute(run, (step.block as Block).steps);
    if (step.op === "scan") executeScan(run, step, runBody);
    else if (step.op === "treeRecur") executeTree(run, step, runBody);
    else if (step.op === "treeRecurGrad") executeTreeGrad(run, step, runBody);
    else
      step.outputs.forEach((output, at) => {
        if (output >= 0) run.slots[output] = compute(run, step, at);
      });
    for (const number of step.releases) drop(run, number);
  }
}
