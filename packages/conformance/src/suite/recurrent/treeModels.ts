/** Models of trees: a tree alone gives what it gives among others, and training gives the figures and weights of the reference. */
import {
  accuracy,
  adam,
  type Backend,
  compile,
  dense,
  embedding,
  float32,
  forestOf,
  inferenceGraph,
  input,
  type ModelSpec,
  model,
  parametersOf,
  RandomStream,
  recursive,
  recursiveTensor,
  sequential,
  sizeOf,
  sparseCategoricalCrossentropy,
  type Tensors,
  type Tree,
  treeGru,
  treeLstm,
} from "@ostinato/core";
import { followsReference, type Training } from "../followsReference.ts";
import { type SuiteTest, withExecutable } from "../suiteTest.ts";

const words = 11;

/** A tree of so many nodes, each with at most so many children; the words of leaves only where there are two. */
function drawTree(random: RandomStream, nodes: number, most: number): Tree {
  const room = new Int32Array(nodes).fill(most);
  const parents = new Int32Array(nodes).fill(-1);
  for (let node = nodes - 2; node >= 0; node--) {
    let parent = node + 1 + random.below(nodes - 1 - node);
    while (room[parent] === 0) parent = parent === nodes - 1 ? node + 1 : parent + 1;
    parents[node] = parent;
    room[parent] -= 1;
  }
  return { values: Array.from({ length: nodes }, () => random.below(words)), parents };
}

function drawTrees(site: string, count: number, largest: number, most: number): Tree[] {
  const random = new RandomStream(7, site);
  return Array.from({ length: count }, () => drawTree(random, 1 + random.below(largest), most));
}

/** Leaves of one node, more than one level has. */
const star: Tree = {
  values: Array.from({ length: 261 }, (_, node) => node % words),
  parents: Array.from({ length: 261 }, (_, node) => (node === 260 ? -1 : 260)),
};

const [features, units] = [10, 12];
const gated = { units, returnSequences: true } as const;
const places = { type: "nary", arity: 2 } as const;

/** Each kind and type with the most children that it takes. */
const layers = [
  { layer: treeLstm(gated), most: star.parents.length },
  { layer: treeLstm({ ...gated, ...places }), most: 2 },
  { layer: treeGru(gated), most: 9 },
  { layer: treeGru({ ...gated, ...places }), most: 2 },
  { layer: recursive({ units: features, returnSequences: true }), most: 2 },
  { layer: recursiveTensor({ units: features, returnSequences: true }), most: 2 },
];

/** The states of the nodes of each tree, run together. */
async function statesOf(backend: Backend, spec: ModelSpec, batches: readonly (readonly Tree[])[]) {
  const state = Object.fromEntries(
    parametersOf({ spec }).map(({ name, shape }) => {
      const random = new RandomStream(3, name);
      return [
        name,
        float32(
          shape,
          Array.from({ length: sizeOf(shape) }, () => random.uniform() - 0.5),
        ),
      ];
    }),
  );
  const forests = batches.map(forestOf);
  const most = (of: (forest: ReturnType<typeof forestOf>) => number): number => Math.max(...forests.map(of));
  const capacities = {
    batch: most(({ lengths }) => lengths.shape[0]),
    time: most(({ lengths }) => Math.max(...lengths.data)),
    "input/nodes": most(({ nodes }) => nodes.shape[0]),
    "input/levels": most(({ levels }) => levels.shape[0]),
  };
  const found: Float32Array[] = [];
  await withExecutable(backend, { graph: inferenceGraph(spec), capacities, state }, async (executable) => {
    for (const [b, forest] of forests.entries()) {
      const trees = batches[b];
      const time = Math.max(...forest.lengths.data);
      const ids = new Int32Array(trees.length * time);
      trees.forEach(({ values }, row) => {
        ids.set(values as ArrayLike<number>, row * time);
      });
      const feeds: Record<string, Tensors[string]> = Object.fromEntries(
        Object.entries(forest).map(([name, tensor]) => [`input/${name}`, tensor]),
      );
      feeds.input = { dtype: "int32", shape: [trees.length, time], data: ids };
      const [output] = Object.values(await executable.run(feeds));
      const size = output.shape[2];
      trees.forEach(({ parents }, row) => {
        found.push(Float32Array.from(output.data.subarray(row * time * size, (row * time + parents.length) * size)));
      });
    }
  });
  return found;
}

/** Throws unless each tree has the same states alone as among others, within a tolerance; without one the same bits, which not every backend promises. */
export async function expectSameAlone(backend: Backend, tolerance = 0): Promise<void> {
  for (const { layer, most } of layers) {
    const { spec } = sequential([embedding({ inputDim: words, outputDim: features, maskZero: true }), layer]);
    const trees = [...drawTrees("alone", 5, 12, most), ...(most >= star.parents.length ? [star] : [])];
    const together = await statesOf(backend, spec, [trees, [...trees].reverse()]);
    const alone = await statesOf(
      backend,
      spec,
      trees.map((tree) => [tree]),
    );
    alone.forEach((states, row) => {
      for (const others of [together[row], together[together.length - 1 - row]])
        for (const [i, state] of states.entries())
          if (!(Math.abs(state - others[i]) <= tolerance))
            throw new Error(`${layer.spec.kind}, tree ${row}[${i}]: ${state} alone, ${others[i]} among others`);
    });
  }
}

/** A label for each node, and one for each tree by a second layer over the first. */
async function train(backend: Backend): Promise<Training> {
  const trees = drawTrees("training", 20, 9, 2);
  const x = input({ shape: ["time"], tree: true });
  const vectors = embedding({ inputDim: words, outputDim: 4, maskZero: true })(x);
  const every = treeLstm({ units: 5, type: "nary", arity: 2, returnSequences: true, recurrentDropout: 0.2 })(vectors);
  const root = treeGru({ units: 4 })(every);
  const y = {
    nodes: trees.map(({ values }) => Array.from(values as ArrayLike<number>, (id) => id % 3)),
    root: trees.map(({ parents }) => parents.length % 2),
  };
  await using trainer = await compile(
    model(x, {
      nodes: dense({ units: 3, activation: "softmax" })(every),
      root: dense({ units: 2, activation: "softmax" })(root),
    }),
    {
      backend,
      loss: { nodes: sparseCategoricalCrossentropy(), root: sparseCategoricalCrossentropy() },
      metrics: { nodes: accuracy(), root: accuracy() },
      optimizer: adam({ learningRate: 0.02 }),
      seed: 3,
    },
  );
  const { epochs } = await trainer.fit({ x: trees, y }, { epochs: 3, batchSize: 6, validationSplit: 0.2 });
  return { epochs, weights: (await trainer.snapshot()).weights };
}

export const treeModelTests: readonly SuiteTest[] = [
  {
    name: "trees > a tree alone gives what it gives among others",
    run: (backend) => expectSameAlone(backend, 1e-6),
  },
  followsReference("labels of nodes and of whole trees", train),
];
