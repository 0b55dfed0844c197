/** From a program to calls of kernels on places in memory: everything that can be known before a run. */
import {
  type AnyStep,
  type Block,
  keptKey,
  type NamedValue,
  type Program,
  type Sizes,
  type Step,
  UnsupportedOpError,
} from "@ostinato/core";
import { aligned, type Call, type Kernel, type Kernels, type View } from "./call.ts";
import type { Keeping } from "./kept.ts";
import { Repeated } from "./repeated.ts";
import { type Ready, type ScanCall, scanCall, scanKernel } from "./scan.ts";
import { constantsFrom, type TreeName, treeCall } from "./tree.ts";
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
  /** What is to be done before the steps where the state was written since the last run. */
  readonly prepare: readonly Ready[];
  readonly steps: readonly Ready[];
  /** Run where the guard does not hold them up. */
  readonly commits: readonly Ready[];
  readonly keeping: Keeping;
  readonly fetches: readonly NamedView[];
  readonly updates: readonly NamedView[];
  /** The values that lie where state is held: there, from byte 0 until there is a place. And what is to be held. */
  readonly held: readonly NamedView[];
  readonly holds: readonly NamedView[];
  readonly guard: View | undefined;
  /** Bytes of scratch at full capacity. */
  readonly scratchBytes: number;
}

/** Where values lie that stay the same from run to run. */
const lasting = { state: true, kept: true };

/** Where things lie: the byte address of the arena, and that of each piece of state. */
export interface Addresses {
  readonly arena: number;
  readonly stateOf: (name: string) => number;
}

export function compileProgram(program: Program, kernels: Kernels, addresses: Addresses): Compiled {
  // Until the first run: what kernels ask of a call beforehand is at full capacity.
  const sizes: Sizes = { ...program.capacities };
  const kept: View[] = [];
  const held: NamedView[] = [];
  const views = program.values.map((value) => {
    const { storage } = value;
    if (storage.kind === "arena") return viewAt(value, addresses.arena + storage.offset);
    if (storage.kind === "state") return viewAt(value, addresses.stateOf(storage.name));
    const own = viewAt(value, "offset" in storage ? storage.offset : 0);
    if ("offset" in storage) kept.push(own);
    else held.push({ name: storage.name, view: own });
    return own;
  });
  const view = (index: number): View => (index < 0 ? unread : views[index]);
  for (const each of views) resize(each, sizes);

  let scratchBytes = 0;
  const ready = (kernel: Kernel, call: Call): Ready => {
    scratchBytes = Math.max(scratchBytes, kernel.scratch?.(call) ?? 0);
    return { kernel, call };
  };
  const prepared = program.steps.slice(0, program.prepared);
  let keptBytes = program.keptBytes;
  const packed: AnyStep[] = [];
  const packings: Ready[] = [];
  /** Whether the kernel of a step can pack its inputs once. Those of the first steps run once themselves. */
  const packs = (step: AnyStep, indexes: readonly number[]): boolean =>
    program.updates.length + program.commits.length === 0 &&
    !prepared.includes(step) &&
    indexes.every((i) => program.values[step.inputs[i]].storage.kind in lasting);
  const compileSteps = (steps: readonly AnyStep[], repeated?: Repeated): Ready[] =>
    steps.flatMap((step) => {
      const inputs = step.inputs.map(view);
      const outputs = step.outputs.map(view);
      if (step.alias) {
        inputs[0].followers.push(outputs[0]);
        if (repeated?.constants.has(inputs[0])) repeated.constants.add(outputs[0]);
        return [];
      }
      let call: Call = { op: step.op, attrs: step.attrs, inputs, outputs, sizes, walk: emptyWalk() };
      if (step.op === "scan") return [ready(scanKernel as Kernel, compileScan(step, call as Call<"scan">))];
      const kernel = step.op === "input" ? undefined : (kernels[step.op] as Kernel | undefined);
      if (!kernel) throw new UnsupportedOpError(`there is no kernel for ${step.op}; lower the graph for this backend`);
      if (step.block) call = compileTree(step as Step<TreeName>, call as Call<TreeName>);
      call = (kernel.prepare?.(call) ?? call) as Call;
      const { packing } = kernel;
      if (packing?.often) call = repeated?.pack(call, packing) ?? call;
      else if (packing && packs(step, packing.inputs(call))) {
        const room = viewAt({ dtype: "float32", shape: [] }, keptBytes);
        keptBytes += aligned(packing.bytes(call));
        call = { ...call, packed: room };
        kept.push(room);
        packed.push(step);
        packings.push({ kernel: packing, call });
      }
      return [ready(kernel, call)];
    });
  /** The steps of a body, with scratch of their own, behind what is packed of its constants: those of its parameters that are the last inputs. */
  const compileBody = (block: Block, inputs: readonly View[], constants: number) => {
    const parameters = block.parameters.map(view);
    const fixed = constants > 0 ? parameters.slice(-constants) : [];
    fixed.forEach((constant, i) => {
      inputs[inputs.length - constants + i].followers.push(constant);
    });
    const outside = scratchBytes;
    scratchBytes = 0;
    const repeated = new Repeated(fixed);
    const steps = compileSteps(block.steps, repeated);
    const results = block.results.map(view);
    const body = { parameters, results, steps, packings: repeated.packings, scratchBytes };
    scratchBytes = outside;
    return body;
  };
  const compileScan = (step: Step<"scan">, call: Call<"scan">): ScanCall => {
    const block = step.block as Block;
    const { carries, sequences } = step.attrs;
    const body = compileBody(block, call.inputs, call.inputs.length - carries - sequences);
    return scanCall(call, body, block);
  };
  const compileTree = (step: Step<TreeName>, call: Call<TreeName>): Call => {
    const block = step.block as Block;
    const body = compileBody(block, call.inputs, block.parameters.length - constantsFrom(call));
    const names = step.inputs.map((input) => program.feeds.find(({ value }) => value === input)?.name ?? step.op);
    return treeCall(call, body, views, names);
  };
  const prepare = compileSteps(prepared);
  const steps = compileSteps(program.steps.slice(program.prepared));
  const named = (list: readonly NamedValue[]): NamedView[] =>
    list.map(({ name, value }) => ({ name, view: view(value) }));
  return {
    program,
    sizes,
    changing: views.filter(({ shape }) => shape.some((dim) => typeof dim === "string")),
    feeds: named(program.feeds),
    prepare: [...prepare, ...packings],
    steps,
    commits: compileSteps(program.commits),
    keeping: { key: keptKey(program, [...prepared, ...packed]), bytes: keptBytes, views: kept },
    fetches: named(program.fetches),
    updates: named(program.updates),
    held,
    holds: named(program.holds),
    guard: program.guard === undefined ? undefined : view(program.guard),
    scratchBytes,
  };
}
