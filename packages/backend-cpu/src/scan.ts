/** `scan` in an arena: slices are views that move along their sequences, and so are results, which steps write where they belong. */
import type { Block } from "@ostinato/core";
import type { Call, View } from "./call.ts";
import { aligned } from "./call.ts";
import type { Memory } from "./memory.ts";
import { type Packed, packAll, packedBytes } from "./repeated.ts";
import { bytesOf, copy, place } from "./views.ts";

/** A step that is ready to run. */
export interface Ready {
  readonly kernel: { run(memory: Memory, call: Call): void };
  readonly call: Call;
}

/** A body, ready to run. */
export interface ReadyBody {
  readonly parameters: readonly View[];
  readonly results: readonly View[];
  readonly steps: readonly Ready[];
  readonly packings: readonly Packed[];
  /** Bytes of scratch of the steps. */
  readonly scratchBytes: number;
}

export interface ScanCall extends Call<"scan">, ReadyBody {
  /** Some carry becomes another carry: those that are copied pass through scratch. */
  readonly crossing: boolean;
  /** Whether a step writes the result where it belongs, as its view moves there; others are copied. */
  readonly moves: readonly boolean[];
  /** Where results lie in the memory of the body. */
  readonly homes: readonly number[];
}

/** What a scan is compiled to. */
export function scanCall(call: Call<"scan">, body: ReadyBody, { steps, parameters, results }: Block): ScanCall {
  const { carries } = call.attrs;
  const roots = new Map<number, number>();
  const made = new Set<number>();
  for (const { alias, inputs, outputs } of steps) {
    if (alias) roots.set(outputs[0], roots.get(inputs[0]) ?? inputs[0]);
    else for (const output of outputs) made.add(output);
  }
  return {
    ...call,
    ...body,
    crossing: results.slice(0, carries).some((result, i) => {
      const from = parameters.indexOf(roots.get(result) ?? result);
      return from >= 0 && from < carries && from !== i;
    }),
    // Of the outputs those that are read, of the carries those whose history is.
    moves: results.map(
      (result, k) =>
        made.has(result) &&
        results.indexOf(result) === k &&
        call.outputs[k < carries ? results.length + k : k].offset >= 0,
    ),
    homes: body.results.map(({ offset }) => offset),
  };
}

export function runSteps(memory: Memory, steps: readonly Ready[]): void {
  for (let i = 0; i < steps.length; i++) steps[i].kernel.run(memory, steps[i].call);
}

/** Bytes through which crossing carries pass. */
function crossingBytes({ attrs, inputs, crossing }: ScanCall): number {
  if (!crossing) return 0;
  let bytes = 0;
  for (let i = 0; i < attrs.carries; i++) bytes += aligned(inputs[i].size * bytesOf[inputs[i].dtype]);
  return bytes;
}

const scratch = (call: ScanCall): number =>
  packedBytes(call.packings) + Math.max(crossingBytes(call), call.scratchBytes);

function run(memory: Memory, call: ScanCall): void {
  const own = memory.scratch;
  try {
    packAll(memory, call.packings);
    runAll(memory, call);
  } finally {
    memory.scratch = own;
  }
}

function runAll(memory: Memory, call: ScanCall): void {
  const { inputs, outputs, parameters, results, moves } = call;
  const { carries, sequences, reverse } = call.attrs;
  const time = inputs[carries].dims[0];
  for (let i = 0; i < carries; i++) copyView(memory, inputs[i], targetOf(call, i, 0));
  for (let n = 0; n < time; n++) {
    const t = reverse ? time - 1 - n : n;
    for (let s = carries; s < carries + sequences; s++) {
      place(parameters[s], inputs[s].offset + t * parameters[s].size);
    }
    for (let i = 0; i < carries; i++) {
      if (outputs[results.length + i].offset >= 0) place(parameters[i], targetOf(call, i, n));
    }
    for (let k = 0; k < results.length; k++) if (moves[k]) place(results[k], targetOf(call, k, n + 1));
    runSteps(memory, call.steps);
    copyResults(memory, call, n + 1);
  }
}

/** Where a carry belongs before step `n`, or an output after as many steps; -1: nowhere. */
function targetOf(
  { attrs, inputs, outputs, parameters, results, moves, homes }: ScanCall,
  k: number,
  n: number,
): number {
  const { carries, reverse } = attrs;
  const time = inputs[carries].dims[0];
  const isCarry = k < carries;
  if (isCarry && n === time) return moves[k] && outputs[k].offset < 0 ? homes[k] : outputs[k].offset;
  const { offset } = outputs[isCarry ? results.length + k : k];
  if (offset < 0) return isCarry ? parameters[k].offset : -1;
  const at = isCarry ? n : n - 1;
  return offset + (reverse ? time - 1 - at : at) * results[k].size;
}

function copyView(memory: Memory, from: View, to: number): void {
  copy(memory, from.dtype, from.offset, to, from.size);
}

/** Puts results that no step wrote there where they belong. */
function copyResults(memory: Memory, call: ScanCall, n: number): void {
  const { attrs, results, moves, crossing } = call;
  // Outputs first, while carries are what they were.
  for (let k = results.length - 1; k >= (crossing ? attrs.carries : 0); k--) {
    const to = targetOf(call, k, n);
    if (!moves[k] && to >= 0) copyView(memory, results[k], to);
  }
  for (let pass = 0; pass < (crossing ? 2 : 0); pass++) {
    let address = memory.scratch;
    for (let i = 0; i < attrs.carries; i++) {
      const { dtype, size, offset } = results[i];
      const to = targetOf(call, i, n);
      const staged = address / bytesOf[dtype];
      if (pass === 0) copy(memory, dtype, offset, staged, size);
      else if (!moves[i] && to >= 0) copy(memory, dtype, staged, to, size);
      address += aligned(size * bytesOf[dtype]);
    }
  }
}

export const scanKernel = { run, scratch };
