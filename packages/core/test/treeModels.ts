/** Small models of trees, and random trees. */
import { defineLayer, dense, embedding, RandomStream, sequential, type Tree, treeReader } from "@ostinato/core";
import { add, broadcast, mul, sum } from "@ostinato/core/graph";
import { cast } from "../src/ir/build/elementwise.ts";

/** Reads the whole of a tree's tensors: to each step it adds their sum times zero. `arity` is the most children that it takes. */
export const reading = defineLayer({
  kind: "reading",
  parse: () => ({}),
  takes: "a sequence whose rows are trees",
  outputs: { sequence: "sequence" },
  trees: treeReader,
  build(_context, _config, [x]) {
    const parts = Object.values(x.tree ?? {}).map((value) => sum(cast(value, "float32"), [0, 1]));
    const all = parts.reduce((whole, part) => add(whole, part));
    return [{ ...x, values: add(x.values, mul(broadcast(all, x.values.type.shape, []), 0)) }];
  },
});

const words = 9;

/** Labels at every node. */
export const labelled = () =>
  sequential([
    embedding({ inputDim: words, outputDim: 3, maskZero: true, name: "words" }),
    reading({}),
    dense({ units: 4, activation: "softmax" }),
  ]);

/** A random tree: each node is a child of one of the next nodes, near or far as `reach` says. */
export function randomTree(random: RandomStream, nodes: number, reach = nodes): Tree {
  const parents = Array.from({ length: nodes }, (_, node) => {
    const after = nodes - 1 - node;
    return after === 0 ? -1 : node + 1 + random.below(Math.min(after, reach));
  });
  return { values: Array.from(parents, () => random.below(words)), parents };
}

export const randomTrees = (seed: number, count: number, most: number): Tree[] => {
  const random = new RandomStream(seed, "trees");
  return Array.from({ length: count }, () => randomTree(random, 1 + random.below(most), 1 + random.below(most)));
};
