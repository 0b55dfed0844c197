/** What a program needs beside its steps: its constants on the device, and the actual shapes of a run. */
import { type AnyStep, actualShape, emptySizes, type Program, type Sizes, sizeOfDim } from "@ostinato/core";
import type { Device } from "./device.ts";
import { sourceKernels } from "./kernels/sources.ts";
import type { TensorInfo } from "./tfjs.ts";

/** A program in a session, ready to run. */
export interface Plan {
  readonly program: Program;
  /** By the number of their value. Held as long as the session. */
  readonly constants: ReadonlyMap<number, TensorInfo>;
  /** The named sizes of the run. */
  readonly sizes: Sizes;
  /** The actual shapes by value. */
  readonly shapes: number[][];
  readonly kept: Kept;
}

/** What programs with one key keep from run to run, by the number of its value. */
export interface Kept {
  readonly values: Map<number, TensorInfo>;
  /** How often the state had been written when this was made; -1: it is not there. */
  writes: number;
}

function allSteps(steps: readonly AnyStep[]): AnyStep[] {
  return steps.flatMap((step) => [step, ...allSteps(step.block?.steps ?? [])]);
}

export function planOf(device: Device, program: Program, kept: Kept): Plan {
  const constants = new Map<number, TensorInfo>();
  for (const step of allSteps(program.steps)) {
    const [output] = step.outputs;
    if (step.op !== "constant" || output === undefined) continue;
    const { attrs } = step;
    constants.set(
      output,
      sourceKernels.constant.run({ device, inputs: [], attrs, sizes: {}, output: 0, shape: attrs.shape }),
    );
  }
  return { program, constants, sizes: emptySizes(program), shapes: [], kept };
}

/** Takes over the sizes that were bound for a run. */
export function fit({ program, sizes, shapes }: Plan, bound: Sizes): void {
  const names = Object.keys(bound);
  if (shapes.length > 0 && names.every((name) => bound[name] === sizes[name])) return;
  for (const name of names) sizes[name] = sizeOfDim(name, bound);
  program.values.forEach((value, number) => {
    shapes[number] = actualShape(value.shape, sizes);
  });
}
