/** `scan` in an arena: carries have memory of their own, slices are views that move along their sequences. */
import type { Call, View } from "./call.ts";
import { aligned } from "./call.ts";
import type { Memory } from "./memory.ts";
import { bytesOf, copy, place } from "./views.ts";

/** A step that is ready to run. */
export interface Ready {
  readonly kernel: { run(memory: Memory, call: Call): void };
  readonly call: Call;
}

/** The body of a scan, ready to run. */
export interface ScanCall extends Call<"scan"> {
  readonly parameters: readonly View[];
  readonly results: readonly View[];
  readonly steps: readonly Ready[];
  /** Some carry becomes another carry: all of them pass through scratch. */
  readonly crossing: boolean;
}

export function runSteps(memory: Memory, steps: readonly Ready[]): void {
  for (let i = 0; i < steps.length; i++) steps[i].kernel.run(memory, steps[i].call);
}

/** Bytes through which crossing carries pass. */
function scratch({ attrs, inputs, crossing }: ScanCall): number {
  if (!crossing) return 0;
  let bytes = 0;
  for (let i = 0; i < attrs.carries; i++) bytes += aligned(inputs[i].size * bytesOf[inputs[i].dtype]);
  return bytes;
}

function run(memory: Memory, call: ScanCall): void {
  const { inputs, outputs, parameters, results } = call;
  const { carries, sequences, reverse } = call.attrs;
  const time = inputs[carries].dims[0];
  const stacked = results.length - carries;
  for (let i = 0; i < carries; i++) copyView(memory, inputs[i], parameters[i].offset);
  for (let n = 0; n < time; n++) {
    const t = reverse ? time - 1 - n : n;
    for (let s = carries; s < carries + sequences; s++) {
      place(parameters[s], inputs[s].offset + t * parameters[s].size);
    }
    for (let i = 0; i < carries; i++) keep(memory, parameters[i], outputs[carries + stacked + i], t);
    runSteps(memory, call.steps);
    for (let k = carries; k < carries + stacked; k++) keep(memory, results[k], outputs[k], t);
    advance(memory, call);
  }
  for (let i = 0; i < carries; i++) {
    if (outputs[i].offset >= 0) copyView(memory, parameters[i], outputs[i].offset);
  }
}

function copyView(memory: Memory, from: View, to: number): void {
  copy(memory, from.dtype, from.offset, to, from.size);
}

/** Puts what a step made at its time in the stacked output. */
function keep(memory: Memory, from: View, output: View, t: number): void {
  if (output.offset >= 0) copyView(memory, from, output.offset + t * from.size);
}

/** The new carries become the carries of the next step. */
function advance(memory: Memory, { attrs, parameters, results, crossing }: ScanCall): void {
  if (!crossing) {
    for (let i = 0; i < attrs.carries; i++) copyView(memory, results[i], parameters[i].offset);
    return;
  }
  for (let pass = 0; pass < 2; pass++) {
    let address = memory.scratch;
    for (let i = 0; i < attrs.carries; i++) {
      const { dtype, size, offset } = results[i];
      const staged = address / bytesOf[dtype];
      if (pass === 0) copy(memory, dtype, offset, staged, size);
      else copy(memory, dtype, staged, parameters[i].offset, size);
      address += aligned(size * bytesOf[dtype]);
    }
  }
}

export const scanKernel = { run, scratch };
