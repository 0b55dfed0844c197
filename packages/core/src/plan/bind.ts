/** Binding: a lowered graph and the capacities of its named sizes become a program with every value placed. */
import { GraphError } from "../errors.ts";
import { fixedNodes } from "../ir/fixed.ts";
import { type OpAttrs, type OpName, ops, overwrites } from "../ir/ops.ts";
import { bodyOf, ownParameters, ownSizes } from "../ir/structured.ts";
import { type AnyNode, isHeld, nodesOf, rootsOf, type Value, type ValueType } from "../ir/value.ts";
import type { Lowered } from "../passes/lower.ts";
import { Binder, type Capacities, type PlacedBlock } from "./binder.ts";
import { type Commit, splitCommits } from "./commits.ts";
import type { AnyStep, Block, NamedValue, Program, ProgramValue, StepAttrs } from "./program.ts";

interface Level {
  readonly steps: readonly AnyStep[];
  /** The steps of commits. */
  readonly commits: readonly AnyStep[];
  /** The values of this level and of the blocks in it. */
  readonly members: readonly number[];
  readonly bytes: number;
  readonly keptBytes: number;
  readonly numberOf: (value: Value) => number;
}

interface Draft {
  readonly node: AnyNode;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly alias: boolean;
  readonly block?: Block;
}

/** The outputs that are read, and the nodes of which some reader needs every element in memory. */
function readersOf(
  nodes: readonly AnyNode[],
  roots: readonly Value[],
): { read: Map<AnyNode, Set<number>>; whole: Set<AnyNode> } {
  const read = new Map<AnyNode, Set<number>>(nodes.map((node) => [node, new Set()]));
  const whole = new Set<AnyNode>(roots.map((root) => root.node));
  for (const root of roots) read.get(root.node)?.add(root.output);
  for (const node of nodes) {
    for (const input of node.inputs) {
      read.get(input.node)?.add(input.output);
      if (ops[node.op].group !== "elementwise") whole.add(input.node);
    }
  }
  return { read, whole };
}

function outputsOf(node: AnyNode): Value[] {
  return node.outputs.map((type, output) => ({ node, output, type }));
}

function attrsOf({ attrs }: AnyNode): StepAttrs[OpName] {
  if (!("body" in attrs)) return attrs;
  const { body: _, ...rest } = attrs;
  return rest;
}

/**
 * Plans `nodes`, which are those below `roots`, as one list of steps, those of commits last. `given` holds the numbers of the values that are there from
 * the start.
 */
function planLevel(
  binder: Binder,
  roots: readonly Value[],
  nodes: readonly AnyNode[],
  given: ReadonlyMap<AnyNode, number>,
  { prepared = 0, commits = [] }: { prepared?: number; commits?: readonly Commit[] } = {},
): Level {
  const last = new Map(commits.map(({ node, states }) => [node, states]));
  const { read, whole } = readersOf(nodes, [...roots, ...commits.flatMap(({ node }) => outputsOf(node))]);
  const numbers = new Map<AnyNode, readonly number[]>([...given].map(([node, number]) => [node, [number]]));
  const members: number[] = [...given.values()];
  const blocks: PlacedBlock[] = [];
  const drafts: Draft[] = [];
  const numberOf = (value: Value): number => numbers.get(value.node)?.[value.output] as number;

  for (const node of nodes) {
    if (numbers.has(node)) continue;
    if (node.op === "input") {
      const number = binder.add(
        node.outputs[0] as ValueType,
        -1,
        node.attrs.kind === "state" ? { state: node.attrs.name } : {},
      );
      members.push(number);
      numbers.set(node, [number]);
      continue;
    }
    const step = drafts.length;
    const inputs = node.inputs.map(numberOf);
    for (const input of inputs) binder.read(input, step);
    const [source] = inputs;
    const uniform =
      node.op === "broadcast" && !whole.has(node) && binder.capacity(binder.typeOf(source as number).shape) === 1;
    const alias = uniform || node.op === "reshape";
    const outputs = node.outputs.map((type, output) => {
      if (!read.get(node)?.has(output) && !ops[node.op].readsOutputs) return -1;
      const state = last.get(node)?.[output];
      if (state !== undefined) return binder.add(type, step, { state });
      return binder.add(type, step, { uniform, ...(alias ? { sharing: source as number } : {}) });
    });
    members.push(...outputs.filter((output) => output >= 0));
    numbers.set(node, outputs);
    const planned = planBlock(binder, node, inputs);
    if (planned) blocks.push({ step, bytes: planned.level.bytes, members: planned.level.members });
    drafts.push({ node, inputs, outputs, alias, ...(planned ? { block: planned.block } : {}) });
  }
  for (const root of roots) binder.read(numberOf(root), drafts.length);
  for (const number of given.values()) binder.read(number, drafts.length);

  const keptBytes = binder.keep(members, prepared);
  drafts.forEach(({ node, inputs, outputs }, step) => {
    if (!overwrites(node.op) || last.has(node)) return;
    const free = new Set(inputs);
    for (const output of outputs.filter((output) => output >= 0)) {
      const under = [...free].find((input) => binder.overwrite(output, input, step));
      if (under !== undefined) free.delete(under);
    }
  });
  const bytes = binder.place(members, blocks);
  const steps = drafts.map(({ node, inputs, outputs, alias, block }, step) => {
    const touched = new Set([...inputs, ...outputs.filter((output) => output >= 0)]);
    const releases = [...touched].filter((index) => binder.endsAt(index, step));
    return {
      op: node.op,
      attrs: attrsOf(node),
      inputs,
      outputs,
      alias,
      releases,
      ...(block ? { block } : {}),
    } as AnyStep;
  });
  const before = steps.length - last.size;
  return {
    steps: steps.slice(0, before),
    commits: steps.slice(before),
    members: [...members, ...blocks.flatMap((block) => block.members)],
    bytes,
    keptBytes,
    numberOf,
  };
}

/** What the body of an op reads where it lies, by the number of the input; the other parameters have memory of their own. */
function planBlock(
  binder: Binder,
  node: AnyNode,
  inputs: readonly number[],
): { block: Block; level: Level } | undefined {
  const body = bodyOf(node);
  if (!body) return undefined;
  binder.define(ownSizes(node, (dim) => binder.capacity([dim])));
  const before = ownParameters(node);
  const behind = inputs.length - body.parameters.length;
  const parameters = body.parameters.map((parameter, i) =>
    binder.add(parameter.type, -1, i < before ? {} : { outer: inputs[behind + i] as number }),
  );
  const given = new Map(body.parameters.map((parameter, i) => [parameter.node, parameters[i] as number]));
  const level = planLevel(binder, body.results, nodesOf(body.results), given);
  return { level, block: { parameters, results: body.results.map(level.numberOf), steps: level.steps } };
}

function inputsOf(
  nodes: readonly AnyNode[],
  isWanted: (attrs: OpAttrs["input"]) => boolean,
  numberOf: (value: Value) => number,
): NamedValue[] {
  return nodes.flatMap((node) => {
    if (node.op !== "input" || !isWanted(node.attrs)) return [];
    return [{ name: node.attrs.name, value: numberOf({ node, output: 0, type: node.outputs[0] as ValueType }) }];
  });
}

/** The named sizes that the program uses; each must be told by a feed, or by what is held, or be set by an op. */
function boundNames(
  binder: Binder,
  nodes: readonly AnyNode[],
  values: readonly ProgramValue[],
  given: readonly NamedValue[],
): string[] {
  const named = (value: ProgramValue): string[] => value.shape.filter((dim) => typeof dim === "string");
  const used = new Set(values.flatMap(named));
  for (const node of nodes) {
    if (node.op === "size") used.add(node.attrs.dim);
    else if (node.op === "fused") for (const dim of node.attrs.shape) if (typeof dim === "string") used.add(dim);
  }
  const told = new Set(given.flatMap(({ value }) => named(values[value] as ProgramValue)));
  for (const name of used)
    if (!told.has(name) && !binder.defines(name)) throw new GraphError(`no feed tells the size of "${name}"`);
  return [...used];
}

/**
 * Fixes how large each named size may become, not the sizes: a run takes any up to them.
 *
 * @throws ConfigError where a named size has no capacity.
 */
export function bind({ graph: lowered, decomposed, plain }: Lowered, capacities: Capacities): Program {
  const binder = new Binder(capacities);
  const { graph, commits } = splitCommits(lowered);
  const roots = rootsOf(graph);
  const last = new Set(commits.map(({ node }) => node));
  const all = nodesOf([...roots, ...commits.flatMap(({ node }) => outputsOf(node))]);
  // A training step writes the state each time.
  const fixed = lowered.updates.every(({ value }) => isHeld(value.type)) ? fixedNodes(all) : new Set<AnyNode>();
  const place = (node: AnyNode): number => (fixed.has(node) ? 0 : last.has(node) ? 2 : 1);
  const nodes = [...all].sort((a, b) => place(a) - place(b));
  const prepared = nodes.filter((node) => fixed.has(node) && node.op !== "input").length;
  const level = planLevel(binder, roots, nodes, new Map(), { prepared, commits });
  const values = binder.values();
  const named = (name: string, value: Value): NamedValue => ({ name, value: level.numberOf(value) });
  const feeds = inputsOf(nodes, ({ kind }) => kind === "feed", level.numberOf);
  const held = inputsOf(nodes, (attrs) => attrs.kind === "state" && isHeld(attrs), level.numberOf);
  const updates = graph.updates.map((update) => named(update.name, update.value));
  for (const { name, value } of updates) {
    const { kind } = (values[value] as ProgramValue).storage;
    if (kind === "state" || kind === "held") {
      throw new GraphError(`update ${name} would copy one state onto another while both are read; compute a new value`);
    }
  }
  return {
    capacities: Object.fromEntries(
      boundNames(binder, nodes, values, [...feeds, ...held]).map((name) => [name, binder.capacity([name])]),
    ),
    values,
    feeds,
    states: inputsOf(nodes, (attrs) => attrs.kind === "state" && !isHeld(attrs), level.numberOf),
    held,
    steps: level.steps,
    prepared,
    keptBytes: level.keptBytes,
    fetches: Object.entries(graph.fetches).map(([name, value]) => named(name, value)),
    commits: level.commits,
    updates: updates.filter(({ value }) => !isHeld(values[value] as ProgramValue)),
    holds: updates.filter(({ value }) => isHeld(values[value] as ProgramValue)),
    ...(graph.guard ? { guard: level.numberOf(graph.guard) } : {}),
    arenaBytes: level.bytes,
    decomposed,
    plain,
  };
}
