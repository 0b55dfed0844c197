/** From a program to calls of kernels on places in memory: everything that can be known before a run. */
import {
  type AnyStep,
  type Block,
  type NamedValue,
  type Program,
  type Sizes,
  type Step,
  UnsupportedOpError,
} from "@ostinato/core";
import type { Call, Kernel, Kernels, View } from "./call.ts";
import { type Ready, type ScanCall, scanKernel } from "./scan.ts";
import { resize, unread, viewAt } from "./views.ts";
import { emptyWalk } from "./walk.ts";

export interface NamedView {
  readonly name: string;
  readonly view: View;
}

/** A program whose values have places. */
export interface Compiled {
  readonly program: Program;
  readonly sizes: Sizes;
  /** The views with named dimensions, to be filled at each run. */
  readonly changing: readonly View[];
  readonly feeds: readonly NamedView[];
  readonly steps: readonly Ready[];
  /** Run where the guard does not hold them up. */
  readonly commits: readonly Ready[];
  readonly fetches: readonly NamedView[];
  readonly updates: readonly NamedView[];
  readonly guard: View | undefined;
  /** Bytes of scratch at full capacity. */
  readonly scratchBytes: number;
}

/** Where things lie: the byte address of the arena, and that of each piece of state. */
export interface Addresses {
  readonly arena: number;
  readonly stateOf: (name: string) => number;
}

export function compileProgram(program: Program, kernels: Kernels, addresses: Addresses): Compiled {
  // Until the first run: what kernels ask of a call beforehand is at full capacity.
  const sizes: Sizes = { ...program.capacities };
  const views = program.values.map((value) => {
    const { storage } = value;
    return viewAt(value, storage.kind === "state" ? addresses.stateOf(storage.name) : addresses.arena + storage.offset);
  });
  const view = (index: number): View => (index < 0 ? unread : views[index]);
  for (const each of views) resize(each, sizes);

  let scratchBytes = 0;
  const ready = (kernel: Kernel, call: Call): Ready => {
    scratchBytes = Math.max(scratchBytes, kernel.scratch?.(call) ?? 0);
    return { kernel, call };
  };
  const compileSteps = (steps: readonly AnyStep[]): Ready[] =>
    steps.flatMap((step) => {
      const inputs = step.inputs.map(view);
      const outputs = step.outputs.map(view);
      if (step.alias) {
        inputs[0].followers.push(outputs[0]);
        return [];
      }
      const call: Call = { op: step.op, attrs: step.attrs, inputs, outputs, sizes, walk: emptyWalk() };
      if (step.op === "scan") return [ready(scanKernel as Kernel, compileScan(step, call as Call<"scan">))];
      const kernel = step.op === "input" ? undefined : (kernels[step.op] as Kernel | undefined);
      if (!kernel) throw new UnsupportedOpError(`there is no kernel for ${step.op}; lower the graph for this backend`);
      return [ready(kernel, kernel.prepare?.(call) ?? call)];
    });
  const compileScan = (step: Step<"scan">, call: Call<"scan">): ScanCall => {
    const block = step.block as Block;
    const { carries, sequences } = step.attrs;
    const parameters = block.parameters.map(view);
    for (let i = carries + sequences; i < parameters.length; i++) call.inputs[i].followers.push(parameters[i]);
    return {
      ...call,
      parameters,
      results: block.results.map(view),
      steps: compileSteps(block.steps),
      crossing: isCrossing(block, carries),
    };
  };
  const named = (list: readonly NamedValue[]): NamedView[] =>
    list.map(({ name, value }) => ({ name, view: view(value) }));
  return {
    program,
    sizes,
    changing: views.filter(({ shape }) => shape.some((dim) => typeof dim === "string")),
    feeds: named(program.feeds),
    steps: compileSteps(program.steps),
    commits: compileSteps(program.commits),
    fetches: named(program.fetches),
    updates: named(program.updates),
    guard: program.guard === undefined ? undefined : view(program.guard),
    scratchBytes,
  };
}

/** Whether some new carry is another carry of before, as it is or reshaped. */
function isCrossing(block: Block, carries: number): boolean {
  const roots = new Map<number, number>();
  for (const step of block.steps) {
    if (step.alias) roots.set(step.outputs[0], roots.get(step.inputs[0]) ?? step.inputs[0]);
  }
  return block.results.slice(0, carries).some((result, i) => {
    const from = block.parameters.indexOf(roots.get(result) ?? result);
    return from >= 0 && from < carries && from !== i;
  });
}
