/** `treeRecur` and its gradient in an arena: the nodes of a level together, whose rows are gathered, and put where they belong. */
import { checkForest, type Forest, forestInputs, levelDims } from "@ostinato/core";
import { aligned, type Call, type Kernel, type View } from "./call.ts";
import type { Memory } from "./memory.ts";
import { packAll, packedBytes } from "./repeated.ts";
import { type Ready, type ReadyBody, runSteps } from "./scan.ts";
import { copy, resize } from "./views.ts";

export type TreeName = "treeRecur" | "treeRecurGrad";

/** What is done with a row of a table and a row of a block: the first becomes the second, or the other way about, or the second is added to the first. */
export type RowWay = "take" | "put" | "add";

/**
 * Moves rows between a table and a block of `count` rows. Which row of the table belongs to row i of the block stands at `list + i` in `i32`; for -1 zeros
 * are taken, and nothing is put or added.
 */
export type MoveRows = (memory: Memory, way: RowWay, table: View, block: View, list: number, count: number) => void;

/** Rows that move in each level: those of its nodes, of their children (with an arity: of those at `position`), or the whole of the block as one row. */
interface Move {
  readonly way: RowWay;
  readonly table: View;
  readonly block: View;
  readonly of: "nodes" | "children" | "all";
  readonly position: number;
}

/** What the body makes of each node or edge of a level, kept in their order: [nodes, …]. */
interface Kept {
  readonly table: View;
  readonly block: View;
  readonly ofEdges: boolean;
}

interface TreeCall extends Call<TreeName>, Omit<ReadyBody, "parameters" | "results"> {
  readonly leafSteps: readonly Ready[];
  readonly before: readonly Move[];
  readonly after: readonly Move[];
  readonly kept: readonly Kept[];
  /** Where the body finds the parent of each child; absent with an arity. */
  readonly parents: View | undefined;
  /** The sizes of a level by name, and what changes with them. */
  readonly level: string;
  readonly children: string;
  readonly ofLevel: readonly View[];
  readonly ofChildren: readonly View[];
  readonly forest: Forest;
  readonly space: { time: number; batch: number; readonly arity: number | undefined };
  readonly lists: Lists;
}

/** Where the lists of a run begin in `i32`: whether a node is at a place, a step of a row; the place of each node; those of children; and a zero. */
interface Lists {
  places: number;
  nodes: number;
  taken: number;
  placeOf: number;
  childrenOf: number;
  zero: number;
}

const emptyLists = (): Lists => ({ places: 0, nodes: 0, taken: 0, placeOf: 0, childrenOf: 0, zero: 0 });

/** What an op over trees is compiled to. `names` are those of its index tensors; `changing` are the values with named sizes, of the body among others. */
export function treeCall(
  call: Call<TreeName>,
  body: ReadyBody,
  changing: readonly View[],
  names: readonly string[],
): TreeCall {
  const { op, attrs, inputs, outputs } = call;
  const { states, sequences, arity } = attrs;
  const { parameters, results, ...rest } = body;
  const { level, children } = levelDims(inputs[0].shape[0]);
  const ofGradient = op === "treeRecurGrad";
  const move = (way: RowWay, of: Move["of"], table: View, block: View, position = 0): Move => ({
    way,
    of,
    table,
    block,
    position,
  });
  /** Of each state at each position. */
  const moveChildren = (way: RowWay, tables: readonly View[], blocks: readonly View[]): Move[] =>
    Array.from({ length: states * (arity ?? 1) }, (_, i) =>
      move(way, "children", tables[Math.floor(i / (arity ?? 1))], blocks[i], i % (arity ?? 1)),
    );
  const moveNodes = (way: RowWay, tables: readonly View[], blocks: readonly View[]): Move[] =>
    tables.map((table, i) => move(way, "nodes", table, blocks[i]));

  const given = inputs.slice(forestInputs);
  const cotangents = ofGradient ? states : 0;
  const slicesFrom = cotangents + states * (arity ?? 1);
  const before = [
    ...moveNodes("take", ofGradient ? outputs.slice(0, states) : [], parameters),
    ...moveChildren("take", ofGradient ? given : outputs, parameters.slice(cotangents)),
    ...moveNodes("take", given.slice(2 * cotangents, 2 * cotangents + sequences), parameters.slice(slicesFrom)),
  ];
  const gradients = results.slice(slicesFrom - cotangents);
  const { slices, rows } = "slices" in attrs ? attrs : { slices: 0, rows: 0 };
  const firstRow = states + slices;
  const after = ofGradient
    ? [
        ...moveChildren("add", outputs, results),
        ...moveNodes("put", outputs.slice(states, firstRow), gradients),
        ...outputs.slice(firstRow + rows).map((table, i) => move("add", "all", table, gradients[slices + rows + i])),
      ]
    : moveNodes("put", outputs, results);
  const kept = gradients.slice(slices, slices + rows).map((block, i): Kept => {
    return { block, table: outputs[firstRow + i], ofEdges: block.shape[0] === children };
  });
  const indexes = (i: number) => ({ name: names[i], data: [], offset: 0, rows: 0 });
  const leafSteps = stepsOfLeaves(body.steps, {
    zeros: arity === undefined ? [] : parameters.slice(cotangents, slicesFrom),
    wanted: ofGradient ? gradients : results,
    isEmpty: ({ shape }) => shape.includes(children),
  });
  return {
    ...call,
    ...rest,
    leafSteps,
    before,
    after,
    kept,
    parents: arity === undefined ? parameters[slicesFrom + sequences] : undefined,
    level,
    children,
    ofLevel: changing.filter(({ shape }) => shape.includes(level)),
    ofChildren: changing.filter(({ shape }) => shape.includes(children)),
    forest: { nodes: indexes(0), edges: indexes(1), levels: indexes(2) },
    space: { time: 0, batch: 0, arity },
    lists: emptyLists(),
  };
}

/** The number of parameters of the body before the constants. */
export function constantsFrom({ op, attrs }: Call<TreeName>): number {
  const { states, sequences, arity } = attrs;
  return (op === "treeRecurGrad" ? states : 0) + states * (arity ?? 1) + sequences + (arity === undefined ? 1 : 0);
}

/** A view, and those that share its memory. */
function sharing(view: View): View[] {
  return [view, ...view.followers.flatMap(sharing)];
}

/** Ops that add up products, or rows, of which there may be none. */
const additive: readonly string[] = ["dot", "sum", "scatterAdd"];

const zeroKernel: Kernel = {
  run({ f32 }, { outputs }) {
    const { offset, size } = outputs[0];
    f32.fill(0, offset, offset + size);
  },
};

interface LeafFacts {
  readonly zeros: readonly View[];
  readonly wanted: readonly View[];
  readonly isEmpty: (view: View) => boolean;
}

/**
 * The steps of a level of leaves, as half of the nodes of binary trees are. States of children are zeros there, or none, and so are products with them; nobody
 * wants their cotangents. So no kernel meets a size of 0.
 */
function stepsOfLeaves(all: readonly Ready[], facts: LeafFacts): Ready[] {
  const { isEmpty } = facts;
  const zeros = new Set(facts.zeros.flatMap(sharing));
  const steps = all.map((step): Ready => {
    const { op, inputs, outputs } = step.call;
    const none = inputs.filter((input) => zeros.has(input) || isEmpty(input)).length;
    if (none === 0 || !(additive.includes(op) || (op === "concat" && none === inputs.length))) return step;
    for (const view of sharing(outputs[0])) zeros.add(view);
    return { kernel: zeroKernel, call: step.call };
  });
  const wanted = new Set(facts.wanted);
  const kept: Ready[] = [];
  for (const step of steps.reverse()) {
    const outputs = step.call.outputs.filter((output) => !isEmpty(output)).flatMap(sharing);
    if (!outputs.some((output) => wanted.has(output))) continue;
    kept.push(step);
    if (step.kernel !== zeroKernel) for (const input of step.call.inputs) wanted.add(input);
  }
  return kept.reverse();
}

/** Lays the lists from `start` on; returns the bytes that they take. */
function layLists({ inputs, attrs }: Call<TreeName>, lists: Lists, start: number): number {
  const some = inputs[forestInputs];
  lists.places = some.dims[0] * some.dims[1];
  lists.nodes = inputs[0].dims[0];
  lists.taken = start;
  lists.placeOf = start + lists.places;
  lists.childrenOf = lists.placeOf + lists.nodes;
  lists.zero = lists.childrenOf + lists.nodes * (attrs.arity ?? 1);
  return aligned(4 * (lists.zero + 1 - start));
}

/** Checks the indexes before anything is read by them. */
function expectForest({ i32 }: Memory, { inputs, forest, space }: TreeCall): void {
  look(forest.nodes, i32, inputs[0]);
  look(forest.edges, i32, inputs[1]);
  look(forest.levels, i32, inputs[2]);
  space.time = inputs[forestInputs].dims[0];
  space.batch = inputs[forestInputs].dims[1];
  checkForest(forest, space);
}

function look(rows: Forest["nodes"], data: Int32Array, { offset, dims }: View): void {
  rows.data = data;
  rows.offset = offset;
  rows.rows = dims[0];
}

function fillLists({ i32 }: Memory, { inputs, space, lists }: TreeCall): void {
  const { nodes, taken, placeOf, childrenOf, zero } = lists;
  i32.fill(0, taken, placeOf);
  i32.fill(-1, childrenOf, zero);
  i32[zero] = 0;
  for (let n = 0, at = inputs[0].offset; n < nodes; n++, at += 2) {
    const place = i32[at + 1] * space.batch + i32[at];
    i32[placeOf + n] = place;
    i32[taken + place] = 1;
  }
  for (let e = 0, at = inputs[1].offset; e < nodes && i32[at] >= 0; e++, at += 3) {
    // With an arity those of a position follow one another, and a node is where its number says.
    const to = space.arity === undefined ? e : i32[at + 2] * nodes + i32[at + 1];
    i32[childrenOf + to] = i32[placeOf + i32[at]];
  }
}

/** Writes zeros where no node is. */
function clear({ i32, f32 }: Memory, { places, taken }: Lists, view: View): void {
  const width = view.size / places;
  for (let place = 0; place < places; place++) {
    if (i32[taken + place] !== 0) continue;
    const first = place;
    while (place + 1 < places && i32[taken + place + 1] === 0) place++;
    f32.fill(0, view.offset + first * width, view.offset + (place + 1) * width);
  }
}

/** Before the first level. */
function begin(memory: Memory, call: TreeCall): void {
  const { attrs, inputs, outputs, sizes, level, children, lists } = call;
  // Other ops may have left their last level here.
  sizes[level] = -1;
  sizes[children] = -1;
  fillLists(memory, call);
  const states = "slices" in attrs ? attrs.states : 0;
  for (let s = 0; s < states; s++) {
    const cotangent = inputs[forestInputs + states + s];
    copy(memory, "float32", cotangent.offset, outputs[s].offset, cotangent.size);
  }
  const placed = "slices" in attrs ? states + attrs.slices : outputs.length;
  for (let i = 0; i < placed; i++) clear(memory, lists, outputs[i]);
  for (let i = placed; i < outputs.length; i++) {
    const { offset, size } = outputs[i];
    memory.f32.fill(0, offset, offset + size);
  }
}

function setLevel({ sizes, level, children, ofLevel, ofChildren }: TreeCall, nodes: number, edges: number): void {
  if (sizes[level] !== nodes) {
    sizes[level] = nodes;
    for (let i = 0; i < ofLevel.length; i++) resize(ofLevel[i], sizes);
  }
  if (sizes[children] !== edges) {
    sizes[children] = edges;
    for (let i = 0; i < ofChildren.length; i++) resize(ofChildren[i], sizes);
  }
}

/** The parents of the edges of a level, by their places in it. */
function writeParents({ i32 }: Memory, { inputs, parents }: TreeCall, node: number, edge: number): void {
  if (parents === undefined) return;
  for (let e = 0, at = inputs[1].offset + 3 * edge + 1; e < parents.size; e++, at += 3)
    i32[parents.offset + e] = i32[at] - node;
}

function treeKernelBy(moveRows: MoveRows): Kernel<TreeName> {
  function moveAll(memory: Memory, call: TreeCall, moves: readonly Move[], node: number, edge: number): void {
    const { sizes, level, children, space, lists } = call;
    for (let i = 0; i < moves.length; i++) {
      const { way, table, block, of, position } = moves[i];
      let list = lists.zero;
      let count = 1;
      if (of === "nodes" || (of === "children" && space.arity !== undefined)) {
        list = of === "nodes" ? lists.placeOf + node : lists.childrenOf + position * lists.nodes + node;
        count = sizes[level];
      } else if (of === "children") {
        list = lists.childrenOf + edge;
        count = sizes[children];
      }
      if (count > 0) moveRows(memory, way, table, block, list, count);
    }
  }

  function runLevels(memory: Memory, call: TreeCall): void {
    const { offset, dims } = call.inputs[2];
    const forward = call.op === "treeRecur";
    begin(memory, call);
    for (let n = 0; n < dims[0]; n++) {
      const at = offset + 2 * (forward ? n : dims[0] - 1 - n);
      const node = at > offset ? memory.i32[at - 2] : 0;
      const edge = at > offset ? memory.i32[at - 1] : 0;
      const edges = memory.i32[at + 1] - edge;
      setLevel(call, memory.i32[at] - node, edges);
      moveAll(memory, call, call.before, node, edge);
      writeParents(memory, call, node, edge);
      runSteps(memory, edges > 0 ? call.steps : call.leafSteps);
      moveAll(memory, call, call.after, node, edge);
      keepRows(memory, call, node, edge);
    }
  }

  /** In the order in which they are numbered, those of a level follow one another. */
  function keepRows(memory: Memory, { kept, lists }: TreeCall, node: number, edge: number): void {
    for (let i = 0; i < kept.length; i++) {
      const { table, block, ofEdges } = kept[i];
      const width = table.size / lists.nodes;
      copy(memory, "float32", block.offset, table.offset + width * (ofEdges ? edge : node), block.size);
    }
  }

  return {
    scratch: (call) => {
      const { packings, scratchBytes } = call as TreeCall;
      return layLists(call, emptyLists(), 0) + packedBytes(packings) + scratchBytes;
    },
    run(memory, call) {
      expectForest(memory, call as TreeCall);
      const { lists, packings } = call as TreeCall;
      const own = memory.scratch;
      // The steps have the scratch behind the lists, and what is packed.
      memory.scratch += layLists(call, lists, own / 4);
      try {
        packAll(memory, packings);
        runLevels(memory, call as TreeCall);
      } finally {
        memory.scratch = own;
      }
    },
  };
}

/** The kernels of both ops, by what moves rows. */
export function treeKernelsBy(moveRows: MoveRows) {
  const kernel = treeKernelBy(moveRows);
  return { treeRecur: kernel, treeRecurGrad: kernel } as { readonly [O in TreeName]: Kernel<O> };
}
