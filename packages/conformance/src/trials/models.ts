/** Models as random trials: parameters, data and targets are all feeds, so that all have gradients. */
import {
  accuracy,
  auc,
  type Dim,
  forestOf,
  inferenceGraph,
  type Loss,
  type ModelSpec,
  nodesOf,
  type Objective,
  sgd,
  substitute,
  type Tensors,
  trainingGraph,
  type Value,
} from "@ostinato/core";
import type { Draw, DrawnDim } from "./draw.ts";
import { drawParents } from "./forests.ts";

/** What a graph computes, by name. */
export type Fetches = Readonly<Record<string, Value>>;

const known = (size: number): DrawnDim => ({ dim: size, size });

/** What a drawn model is fed in other ranges than from -1 to 1. */
interface Ranges {
  /** The number of words: ids are below it. */
  readonly words: number;
  /** The number of classes: labels are below it. */
  readonly classes: number;
}

/** The feeds of random trees, one for each row, of no more nodes than there are steps, with no more children of a node than all layers take. */
function drawTrees(draw: Draw, fetches: Fetches, batch: number, time: number): Tensors {
  const places = nodesOf(Object.values(fetches)).flatMap(({ attrs }) => ("arity" in attrs ? (attrs.arity ?? []) : []));
  const arity = Math.min(Number.POSITIVE_INFINITY, ...places);
  const trees = Array.from({ length: batch }, () => {
    const nodes = draw.one([1, time, draw.whole(1, time)]);
    const parents = drawParents(draw, draw.one(["random", "random", "chain"]), nodes, arity);
    return { values: parents, parents };
  });
  return { ...forestOf(trees) };
}

/** The same fetches with every feed and every piece of state replaced by a drawn feed. */
export function drawInputs(draw: Draw, fetches: Fetches, { words, classes }: Ranges): Fetches {
  const [batch, time] = [draw.named("batch", 4), draw.named("time", 5)];
  const sizes: Record<string, DrawnDim> = { batch, time };
  const inputs = nodesOf(Object.values(fetches)).filter((node) => node.op === "input");
  const sizeOf = (dim: Dim): DrawnDim => {
    if (typeof dim === "number") return known(dim);
    sizes[dim] ??= draw.named(dim, 5);
    return sizes[dim];
  };
  /** The time axis of the input that lengths belong to. */
  const timeOf = (lengths: string): DrawnDim => {
    const of = inputs.find(({ attrs }) => `${attrs.name}/lengths` === lengths);
    return of ? sizeOf(of.attrs.shape[1]) : time;
  };
  const forests = new Map<string, Tensors>();
  for (const { attrs } of inputs) {
    const [owner, part] = attrs.name.split("/");
    if (part !== "nodes") continue;
    const forest = drawTrees(draw, fetches, batch.size, timeOf(`${owner}/lengths`).size);
    forests.set(owner, forest);
    for (const name of ["nodes", "levels"])
      sizes[`${owner}/${name}`] = draw.sized(`${owner}/${name}`, forest[name].shape[0]);
  }
  const drawn = inputs.map((node): Value => {
    const { name, dtype, shape } = node.attrs;
    const dims = shape.map(sizeOf);
    const [owner, part] = name.split("/");
    const ofTrees = forests.get(owner)?.[part];
    if (ofTrees) return draw.given(name, dims, [...ofTrees.data]);
    const isTarget = name.endsWith("/target");
    if (name.endsWith("/lengths")) return draw.lengths(name, batch, timeOf(name));
    if (dtype === "int32" && dims.length === 0) return draw.int(name, dims, 0, 100);
    if (dtype === "int32") return draw.int(name, dims, 0, (isTarget ? classes : words) - 1);
    return draw.float(name, dims, isTarget || name.endsWith("/sampleWeights") ? 0 : -1, 1);
  });
  const from = inputs.map((node): Value => ({ node, output: 0, type: node.outputs[0] }));
  const replaced = substitute(Object.values(fetches), from, drawn);
  return Object.fromEntries(Object.keys(fetches).map((name, i) => [name, replaced[i]]));
}

/** A model without training, with what it is fed. */
export const inference = (draw: Draw, { spec }: { readonly spec: ModelSpec }): Fetches =>
  drawInputs(draw, inferenceGraph(spec).fetches, { words: 6, classes: 1 });

/** A step of training: its loss and the sums of its metrics, with what it is fed. */
export function training(
  draw: Draw,
  spec: ModelSpec,
  loss: Loss,
  classes = 1,
  more: Pick<Objective, "scheduledSampling"> = {},
): Fetches {
  const metrics = loss.kind === "binaryCrossentropy" ? [accuracy(), auc()] : [accuracy()];
  const weighing = draw.chance(0.3) ? (isFeatures(spec) ? "rows" : draw.one(["rows", "steps"] as const)) : "none";
  const graph = trainingGraph(
    spec,
    { loss, metrics, weightedMetrics: [accuracy({ name: "weighted" })], ...more },
    sgd(),
    draw.whole(0, 2 ** 31),
    weighing,
  );
  return drawInputs(draw, graph.fetches, { words: 6, classes });
}

/** Whether the output of a model is one vector a row: it has no steps that could have weights. */
function isFeatures(spec: ModelSpec): boolean {
  return Object.values(inferenceGraph(spec).fetches).every((value) => value.type.shape.length === 2);
}
