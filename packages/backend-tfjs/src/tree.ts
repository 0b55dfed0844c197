/** `treeRecur` and its gradient by a loop on the host over the levels of a forest: the nodes of a level are computed together. */
import {
  actualShape,
  type Block,
  type Dim,
  forestInputs,
  levelDims,
  type ProgramValue,
  type Step,
} from "@ostinato/core";
import { forestOf, type Level, readerOf, type TreeStep } from "./forest.ts";
import type { Plain } from "./kernels/movement.ts";
import { type Rows, rowsFor, rowsOf } from "./rows.ts";
import { drop, type Run, read } from "./run.ts";
import type { TensorInfo } from "./tfjs.ts";

function valuesIn({ parameters, steps }: Block): number[] {
  const made = steps.flatMap(({ outputs, block }) => [...outputs, ...(block ? valuesIn(block) : [])]);
  return [...parameters, ...made.filter((number) => number >= 0)];
}

/** Computes one level: takes over what the body's parameters are, and gives what its results are. */
type Compute = (level: Level, given: readonly TensorInfo[]) => TensorInfo[];

function computeOf({ device, plan, slots }: Run, step: TreeStep, runBody: () => void): Compute {
  const { program, sizes, shapes } = plan;
  const block = step.block as Block;
  const shapeOf = (number: number) => (program.values[number] as ProgramValue).shape;
  const dims = levelDims(shapeOf(step.inputs[0] as number)[0] as Dim);
  const changing = valuesIn(block).filter((number) => Object.values(dims).some((dim) => shapeOf(number).includes(dim)));
  const own = new Set([...block.parameters, ...block.results]);
  return ({ start, end, firstEdge, lastEdge }, given) => {
    sizes[dims.level] = end - start;
    sizes[dims.children] = lastEdge - firstEdge;
    for (const number of changing) shapes[number] = actualShape(shapeOf(number), sizes);
    block.parameters.forEach((parameter, i) => {
      slots[parameter] = given[i];
    });
    runBody();
    const made = block.results.map((number) => device.share(slots[number] as TensorInfo));
    for (const number of own) drop({ device, slots }, number);
    return made;
  };
}

/** The inputs of a step behind its forest, group by group; the last are the constants. */
function inputsOf(run: Run, step: TreeStep, counts: readonly number[]): TensorInfo[][] {
  const inputs = step.inputs.slice(forestInputs).map((number) => read(run, number));
  return [...counts, inputs.length].map((count) => inputs.splice(0, count));
}

/** Room for what the body makes at each node. */
function rowsOfResult({ device, plan }: Run, number: number, count: number): Rows {
  const { dtype, shape } = plan.program.values[number] as ProgramValue;
  return rowsFor(device, count, actualShape(shape.slice(1), plan.sizes), dtype as Plain);
}

/** Whether the body makes something of each edge, and not of each node. */
function isOfEdges({ plan: { program } }: Run, step: TreeStep, number: number): boolean {
  const dimOf = (of: number): Dim => program.values[of]?.shape[0] as Dim;
  return dimOf(number) === levelDims(dimOf(step.inputs[0] as number)).children;
}

/** Puts rows into their places in the output, where anything reads it. */
function finish({ plan, slots }: Run, output: number, rows: Rows, places: Int32Array): void {
  if (output >= 0) slots[output] = rows.placed(places, plan.shapes[output] as number[]);
  rows.release();
}

/** `runBody` runs the steps of the block. */
export function executeTree(run: Run, step: Step<"treeRecur">, runBody: () => void): void {
  const { device } = run;
  const forest = forestOf(run, step);
  const { places, levels } = forest;
  const { steps, atNodes, ofChildren, ofParents } = readerOf(run, step, forest);
  const [given = [], constants = []] = inputsOf(run, step, [step.attrs.sequences]);
  const sequences = given.map(steps);
  const states = (step.block as Block).results.map((number) => rowsOfResult(run, number, places.length));
  const compute = computeOf(run, step, runBody);
  for (const level of levels) {
    const made = compute(level, [
      ...states.flatMap((rows) => ofChildren(rows, level)),
      ...sequences.map((rows) => atNodes(rows, level)),
      ...ofParents(level),
      ...constants.map((x) => device.share(x)),
    ]);
    made.forEach((x, s) => {
      states[s]?.put(level.start, x);
    });
  }
  for (const rows of sequences) rows.release();
  states.forEach((rows, s) => {
    finish(run, step.outputs[s] as number, rows, places);
  });
}

/** From the last level to the first: a node has what its parent sends before its own level is computed. */
export function executeTreeGrad(run: Run, step: Step<"treeRecurGrad">, runBody: () => void): void {
  const { device } = run;
  const { states: count, sequences: sequenceCount, slices: sliceCount, rows: rowCount, arity = 1 } = step.attrs;
  const forest = forestOf(run, step);
  const { places, children, levels } = forest;
  const { steps, atNodes, ofChildren, ofParents, byEdge } = readerOf(run, step, forest);
  const [kept = [], fed = [], given = [], constants = []] = inputsOf(run, step, [count, count, sequenceCount]);
  const states = kept.map((x) => {
    const all = steps(x);
    const ofNodes = rowsOf(device, [all.take(places)]);
    all.release();
    return ofNodes;
  });
  const [cotangents, sequences] = [fed.map(steps), given.map(steps)];

  const { parameters, results } = step.block as Block;
  const whole = parameters.slice(0, count).map((number) => rowsOfResult(run, number, places.length));
  const sent = parameters.slice(0, count).map((number) => rowsOfResult(run, number, children.length));
  const slices = results
    .slice(count * arity, count * arity + sliceCount)
    .map((number) => rowsOfResult(run, number, places.length));
  const firstRow = count * arity + sliceCount;
  const inOrder = results.slice(firstRow, firstRow + rowCount).map((number) => ({
    rows: rowsOfResult(run, number, places.length),
    ofEdges: isOfEdges(run, step, number),
  }));
  let sums: TensorInfo[] = [];
  const edgeAbove = new Int32Array(places.length).fill(-1);
  children.forEach((child, edge) => {
    if (child >= 0) edgeAbove[child] = edge;
  });

  const compute = computeOf(run, step, runBody);
  for (const level of levels.toReversed()) {
    const above = edgeAbove.subarray(level.start, level.end);
    const here = cotangents.map((rows, s) => {
      const a = atNodes(rows, level);
      const b = (sent[s] as Rows).take(above);
      return device.using([a, b], () => device.run("Add", { a, b }));
    });
    here.forEach((x, s) => {
      whole[s]?.put(level.start, device.share(x));
    });
    const made = compute(level, [
      ...here,
      ...states.flatMap((rows) => ofChildren(rows, level)),
      ...sequences.map((rows) => atNodes(rows, level)),
      ...ofParents(level),
      ...constants.map((x) => device.share(x)),
    ]);
    sent.forEach((rows, s) => {
      rows.put(level.firstEdge, byEdge(made.slice(s * arity, (s + 1) * arity), level));
    });
    slices.forEach((rows, i) => {
      rows.put(level.start, made[count * arity + i] as TensorInfo);
    });
    inOrder.forEach(({ rows, ofEdges }, i) => {
      rows.put(ofEdges ? level.firstEdge : level.start, made[firstRow + i] as TensorInfo);
    });
    sums = made.slice(firstRow + rowCount).map((b, i) => {
      const a = sums[i];
      return a ? device.using([a, b], () => device.run("Add", { a, b })) : b;
    });
  }

  for (const rows of [...states, ...cotangents, ...sequences, ...sent]) rows.release();
  [...whole, ...slices].forEach((rows, i) => {
    finish(run, step.outputs[i] as number, rows, places);
  });
  inOrder.forEach(({ rows, ofEdges }, i) => {
    const numbers = Int32Array.from({ length: ofEdges ? (levels.at(-1)?.lastEdge ?? 0) : places.length }, (_, k) => k);
    finish(run, step.outputs[count + sliceCount + i] as number, rows, numbers);
  });
  sums.forEach((sum, i) => {
    const output = step.outputs[count + sliceCount + rowCount + i] as number;
    if (output >= 0) run.slots[output] = sum;
    else device.release(sum);
  });
}
