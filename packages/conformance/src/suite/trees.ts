/** Forests of more nodes than are computed together, against the reference; and what is said where indexes are wrong. */
import { type Backend, DataError, type Executable, int32, type Tensors } from "@ostinato/core";
import { evaluate } from "../reference/evaluate.ts";
import { Draw, type Trial } from "../trials/draw.ts";
import { drawParents, type Parents } from "../trials/forests.ts";
import { overTrees, treeOpTrials } from "../trials/trees.ts";
import { expectClose, expectTrials, graphOf, type SuiteTest, withExecutable } from "./suiteTest.ts";

const alone = (count: number): Parents[] => Array.from({ length: count }, () => [-1]);

/** Levels that are given as several, and rows of very different lengths. */
function* largeForests(): Generator<Trial> {
  const forests: Readonly<Record<string, (draw: Draw, arity: number | undefined) => readonly Parents[]>> = {
    "many leaves": (draw, arity) => Array.from({ length: 90 }, () => drawParents(draw, "random", 6, arity ?? 6)),
    "a node of many children": (draw, arity) => [drawParents(draw, "star", 300, arity ?? 300)],
    "a tree beside a thousand": (draw, arity) => [drawParents(draw, "random", 20, arity ?? 20), ...alone(1000)],
  };
  for (const [name, make] of Object.entries(forests)) {
    const draw = new Draw(name, 1);
    yield draw.trial(overTrees(make)(draw));
  }
}

/** Indexes with one number changed. */
const changes: Readonly<Record<string, readonly [at: number, value: number]>> = {
  "forest/nodes": [0, 1000],
  "forest/edges": [0, -7],
  "forest/levels": [1, 1000],
};

async function expectRefused(executable: Executable, feeds: Tensors, name: string): Promise<void> {
  const [at, value] = changes[name];
  const { shape, data } = feeds[name];
  const wrong = int32(shape, Int32Array.from(data).with(at, value));
  try {
    await executable.run({ ...feeds, [name]: wrong });
  } catch (error) {
    if (error instanceof DataError && error.message.includes(`"${name}", row 0`)) return;
    throw error;
  }
  throw new Error(`${value} in ${name} was taken`);
}

async function refusesWrongIndexes(backend: Backend): Promise<void> {
  const draw = new Draw("wrong indexes", 1);
  const { fetches, feeds, capacities } = draw.trial(treeOpTrials.treeRecurGrad(draw));
  const graph = graphOf({ fetches });
  const expected = evaluate(graph, feeds).fetches;
  await withExecutable(backend, { graph, capacities }, async (executable) => {
    for (const name of Object.keys(changes)) {
      await expectRefused(executable, feeds, name);
      const actual = await executable.run(feeds);
      for (const [fetch, value] of Object.entries(expected))
        expectClose(actual[fetch], value, `after ${name}: ${fetch}`);
    }
  });
}

export const treeTests: readonly SuiteTest[] = [
  { name: "trees > more nodes than are computed together", run: (backend) => expectTrials(backend, largeForests()) },
  { name: "trees > wrong indexes are refused before anything is read by them", run: refusesWrongIndexes },
];
