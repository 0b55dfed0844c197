/** Models of trees from data to predictions: figures over nodes, roots and nodes in one model, batches of every kind, and trainings that go on. */
import { idle, reference } from "@ostinato/conformance";
import {
  adam,
  add as addLayer,
  type Backend,
  type Checkpoint,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  concatenate,
  defineLayer,
  dense,
  dropout,
  type Examples,
  embedding,
  type FitOptions,
  featuresOf,
  input,
  lastStep,
  meanSquaredError,
  model,
  OptionReader,
  predictor,
  RandomStream,
  sequenceModel,
  sequential,
  sgd,
  sparseCategoricalAccuracy,
  sparseCategoricalCrossentropy,
  type Tensor,
  type Tree,
  type TreeValues,
  toBytes,
  treeReader,
  treeRecur,
} from "@ostinato/core";
import { add, matmul, scatterAdd, tanh, type Value } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const words = 9;
const classes = 3;

/** h = tanh(x W + Σ h of the children · R). */
const treeSum = defineLayer({
  kind: "treeSum",
  parse(options: { readonly units: number; readonly arity?: number | null }, owner) {
    const read = new OptionReader(owner, options, ["units", "arity"]);
    return { units: read.integer("units", 1), arity: options.arity == null ? null : read.integer("arity", 1) };
  },
  takes: "a sequence whose rows are trees",
  outputs: { sequence: "sequence" },
  trees: treeReader,
  arity: ({ arity }) => arity ?? undefined,
  build({ parameter }, { units, arity }, [x]) {
    const parameters = { W: [featuresOf(x), units], R: [units, units] };
    const [W, R] = Object.entries(parameters).map(([name, shape]) => parameter(name, shape, "glorotUniform"));
    const [h] = treeRecur({
      tree: x.tree as TreeValues,
      sequences: [matmul(x.values, W as Value)],
      constants: [R as Value],
      states: [[units]],
      ...(arity === null ? {} : { arity }),
      body({ children: [children = []], slices: [own], constants: [R], parents, level }) {
        const sum = parents ? scatterAdd(parents, children[0] as Value, level) : children.reduce((a, b) => add(a, b));
        return [tanh(add(own as Value, matmul(sum, R as Value)))];
      },
    });
    return [{ ...x, values: h as Value }];
  },
});

/** Classes of nodes, and of roots. */
function tagger() {
  const x = input({ shape: ["time"], name: "trees", tree: true });
  const h = treeSum({ units: 4 })(
    dropout({ rate: 0.2 })(embedding({ inputDim: words, outputDim: 3, maskZero: true })(x)),
  );
  const nodes = dense({ units: classes, activation: "softmax", name: "label" })(h);
  return model(x, { root: lastStep()(nodes), nodes });
}

/** Trees of 1 to `most` nodes; the class of a node is the sum of the words below it and of its own. */
function treebank(count: number, most: number, seed = 1): { x: Tree[]; y: { root: number[]; nodes: number[][] } } {
  const random = new RandomStream(seed, "trees");
  const x = Array.from({ length: count }, (): Tree => {
    const nodes = 1 + random.below(most);
    const parents = Array.from({ length: nodes }, (_, node) =>
      node === nodes - 1 ? -1 : node + 1 + random.below(Math.min(4, nodes - 1 - node)),
    );
    return { parents, values: parents.map((_, node) => (parents.includes(node) ? 0 : 1 + random.below(words - 1))) };
  });
  const nodes = x.map(({ parents, values }) => {
    const sums = Array.from(values as number[]);
    sums.forEach((sum, node) => {
      const parent = parents[node] as number;
      if (parent >= 0) sums[parent] = (sums[parent] as number) + sum;
    });
    return sums.map((sum) => sum % classes);
  });
  return { x, y: { nodes, root: nodes.map((labels) => labels.at(-1) as number) } };
}

const trainerOn = (backend: Backend) =>
  compile(tagger(), {
    backend,
    loss: { root: sparseCategoricalCrossentropy(), nodes: sparseCategoricalCrossentropy() },
    optimizer: adam({ learningRate: 0.02 }),
    metrics: { root: [sparseCategoricalAccuracy()], nodes: [sparseCategoricalAccuracy()] },
    weightedMetrics: { nodes: [sparseCategoricalAccuracy({ name: "labelled" })] },
    seed: 3,
  });

const data = treebank(23, 9);

const rowsOf = (tensor?: Tensor): number[][] =>
  Array.from({ length: tensor?.shape[0] ?? 0 }, (_, row) => [...(tensor?.data ?? [])].slice(2 * row, 2 * row + 2));

/** The share of rows of probabilities whose largest is that of the label. */
function hits(probabilities: Float32Array, at: number, label: number): number {
  const row = [...probabilities.subarray(at, at + classes)];
  return Number(row.indexOf(Math.max(...row)) === label);
}

test("a node without a word has zeros, which training leaves; without maskZero 0 is a word", async () => {
  for (const maskZero of [true, false]) {
    const table = embedding({ inputDim: 4, outputDim: 2, maskZero, embeddingsInitializer: "ones", name: "table" });
    const spec = sequential([table, treeSum({ units: 2 }), dense({ units: 1 })]);
    await using trainer = await compile(spec, {
      backend: reference(),
      loss: meanSquaredError(),
      optimizer: sgd(),
      seed: 1,
    });
    const x: Tree[] = [{ values: [0, 2, 0, 1, 0], parents: [2, 2, 4, 4, -1] }];
    await trainer.fit({ x, y: [[1, 2, 3, 4, 5]] }, { epochs: 3 });
    const [zero, one, two, three] = rowsOf((await trainer.snapshot()).weights["table/embeddings"]);
    expect(three).toEqual([1, 1]);
    expect(one).not.toEqual([1, 1]);
    expect(two).not.toEqual([1, 1]);
    const nodes = await trainer.predict([{ values: [0], parents: [-1] }]);
    const bias = (await trainer.snapshot()).weights["dense/bias"]?.data[0];
    if (maskZero) expect(nodes.data[0]).toBe(bias);
    else expect(nodes.data[0]).not.toBe(bias);
    if (maskZero) expect(zero).toEqual([1, 1]);
    else expect(zero).not.toEqual([1, 1]);
  }
});

describe("figures", () => {
  test("over nodes count nodes, each once, and neither padding nor, by weight, nodes without a label", async () => {
    await using trainer = await trainerOn(reference());
    await trainer.fit(data, { epochs: 2, batchSize: 4 });
    const labelled = data.y.nodes.map((labels) => labels.map((_, node) => (node % 3 === 0 ? 0 : 1)));
    const logs = await trainer.evaluate({ ...data, sampleWeights: { nodes: labelled } }, { batchSize: 5 });
    const { root, nodes } = await trainer.predictAll(data.x, { batchSize: 7 });
    const steps = nodes?.shape[1] as number;
    const of = { nodes: [0, 0], labelled: [0, 0], roots: 0 };
    data.x.forEach(({ parents }, row) => {
      for (let node = 0; node < parents.length; node++) {
        const right = hits(
          nodes?.data as Float32Array,
          (row * steps + node) * classes,
          data.y.nodes[row]?.[node] as number,
        );
        const weight = labelled[row]?.[node] as number;
        of.nodes = [(of.nodes[0] as number) + right, (of.nodes[1] as number) + 1];
        of.labelled = [(of.labelled[0] as number) + weight * right, (of.labelled[1] as number) + weight];
      }
      of.roots += hits(root?.data as Float32Array, row * classes, data.y.root[row] as number);
    });
    const share = ([right, all]: number[]) => (right as number) / (all as number);
    expect(logs.nodesSparseCategoricalAccuracy).toBeCloseTo(share(of.nodes), 12);
    expect(logs.nodesLabelled).toBeCloseTo(share(of.labelled), 12);
    expect(logs.rootSparseCategoricalAccuracy).toBeCloseTo(of.roots / data.x.length, 12);
  });
});

describe("predictions", () => {
  test("are a row for each tree, and nodes with zeros behind the root; whichever trees are beside", async () => {
    await using trainer = await trainerOn(reference());
    const all = await trainer.predictAll(data.x, { batchSize: 6 });
    const trained = await trainer.snapshot();
    await using alone = await predictor(trained, { backend: reference() });
    expect(all.root?.shape).toEqual([23, classes]);
    const steps = Math.max(...data.x.map(({ parents }) => parents.length));
    expect(all.nodes?.shape).toEqual([23, steps, classes]);
    for (const row of [0, 7, 22]) {
      const tree = data.x[row] as Tree;
      const one = await alone.predictAll([tree]);
      const size = tree.parents.length * classes;
      const from = row * steps * classes;
      expect([...(all.nodes?.data.subarray(from, from + size) ?? [])]).toEqual([...(one.nodes?.data ?? [])]);
      expect(all.nodes?.data.subarray(from + size, from + steps * classes).every((p) => p === 0)).toBe(true);
      expect([...(all.root?.data.subarray(row * classes, (row + 1) * classes) ?? [])]).toEqual([
        ...(one.root?.data ?? []),
      ]);
    }
  });
});

/** What is fed of trees in each step. */
async function fed(act: (backend: Backend) => Promise<unknown>) {
  const steps: { rows: number; time: number; nodes: number; lengths: number; arrays: ArrayBufferLike }[] = [];
  await act(
    idle({
      run({ trees, "trees/nodes": nodes, "trees/lengths": lengths }) {
        const [rows = 0, time = 0] = trees?.shape ?? [];
        const all = Array.from(lengths?.data ?? []).slice(0, rows);
        const [count = 0] = nodes?.shape ?? [];
        const arrays = nodes?.data.buffer as ArrayBufferLike;
        steps.push({ rows, time, nodes: count, lengths: all.reduce((sum, length) => sum + length, 0), arrays });
      },
    }),
  );
  return steps;
}

describe("batches", () => {
  const train = (options: FitOptions, given: Parameters<Awaited<ReturnType<typeof trainerOn>>["fit"]>[0] = data) =>
    fed(async (backend) => {
      await using trainer = await trainerOn(backend);
      await trainer.fit(given, options);
    });

  test("are fed from arrays that are used again", async () => {
    const steps = await train({ batchSize: 4, epochs: 3 });
    expect(steps.length).toBe(18);
    for (const { nodes, lengths } of steps) expect(nodes).toBe(lengths);
    // Each epoch has its own.
    expect(new Set(steps.map(({ arrays }) => arrays)).size).toBe(3);
  });

  test("of so many tokens, of similar length, with rows kept for validation, or from an iterable", async () => {
    for (const { rows, time, nodes, lengths } of await train({ batchTokens: 12, epochs: 2 })) {
      expect(rows === 1 || rows * time <= 12).toBe(true);
      expect(nodes).toBe(lengths);
    }
    const padding = (steps: Awaited<ReturnType<typeof train>>) =>
      steps.reduce((sum, { rows, time, nodes }) => sum + rows * time - nodes, 0);
    expect(padding(await train({ batchSize: 4, groupByLength: true }))).toBeLessThan(
      padding(await train({ batchSize: 4 })),
    );
    const part = (rows: readonly number[]): Examples => ({
      x: rows.map((row) => data.x[row] as Tree),
      y: {
        nodes: rows.map((row) => data.y.nodes[row] as number[]),
        root: rows.map((row) => data.y.root[row] as number),
      },
    });
    const batches = [part([0, 1, 2]), part([3]), part([4, 5, 6, 7, 8, 9])];
    expect((await train({ epochs: 2, validationSplit: 0.3, batchSize: 5 })).map(({ rows }) => rows)).toContain(5);
    expect((await train({ epochs: 2 }, batches)).map(({ rows }) => rows)).toEqual([3, 1, 6, 3, 1, 6]);
  });

  test("with weights of classes are those with weights of nodes", async () => {
    const spec = sequential([
      embedding({ inputDim: words, outputDim: 3, maskZero: true }),
      treeSum({ units: 4 }),
      dense({ units: classes, activation: "softmax" }),
    ]);
    const trained = async (given: Examples, options: FitOptions) => {
      await using trainer = await compile(spec, {
        backend: reference(),
        loss: sparseCategoricalCrossentropy(),
        optimizer: adam(),
        seed: 1,
      });
      await trainer.fit(given, { batchSize: 6, ...options });
      return toBytes(await trainer.snapshot());
    };
    const { x } = data;
    const y = data.y.nodes;
    const sampleWeights = y.map((labels) => labels.map((label) => (label === 1 ? 3 : 1)));
    expect(await trained({ x, y }, { classWeight: { 1: 3 } })).toEqual(await trained({ x, y, sampleWeights }, {}));
  });
});

test("a huge tree beside small ones takes room for itself alone where steps bound batches", async () => {
  const x = [
    ...data.x,
    { values: new Int32Array(10_000), parents: Int32Array.from({ length: 10_000 }, (_, i) => (i < 9999 ? i + 1 : -1)) },
  ];
  const y = x.map(({ parents }) => Array.from(parents, () => 1));
  const layers = [embedding({ inputDim: words, outputDim: 3, maskZero: true }), treeSum({ units: 4 })];
  const most = async (rows: number, options: FitOptions): Promise<number> => {
    const bytes: number[] = [];
    await using trainer = await compile(sequential([...layers, dense({ units: classes, activation: "softmax" })]), {
      backend: idle({ compile: ({ arenaBytes }) => void bytes.push(arenaBytes) }),
      loss: sparseCategoricalCrossentropy(),
      optimizer: adam(),
    });
    await trainer.fit({ x: x.slice(-rows), y: y.slice(-rows) }, { ...options, onWarning: () => {} });
    return Math.max(...bytes);
  };
  const alone = await most(1, {});
  expect(await most(24, { batchSize: 24, batchTokens: 24 * 9 })).toBeLessThanOrEqual(1.1 * alone);
  expect(await most(24, { batchSize: 24 })).toBeGreaterThan(10 * alone);
});

test("a training that diverges tells where, and leaves the weights as they were", async () => {
  const layers = [embedding({ inputDim: words, outputDim: 3, maskZero: true }), treeSum({ units: 4 }), lastStep()];
  await using trainer = await compile(sequential([...layers, dense({ units: 1, name: "value" })]), {
    backend: reference(),
    loss: meanSquaredError(),
    optimizer: sgd({ learningRate: 1e30 }),
    seed: 1,
  });
  await expect(trainer.fit({ x: data.x, y: data.y.root }, { epochs: 3, batchSize: 5 })).rejects.toThrow(
    /^epoch \d, step \d: .* not finite\. The step was not applied/,
  );
});

describe("a training that is stopped", () => {
  const options: FitOptions = { epochs: 3, batchSize: 6, validationSplit: 0.2, groupByLength: true };
  const saved: Uint8Array[] = [];
  const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));

  test("goes on to the same bytes from every step", async () => {
    await using whole = await trainerOn(reference());
    await whole.fit(data, { ...options, callbacks: [checkpoints({ save, everySteps: 1 })] });
    const weights = toBytes(await whole.snapshot());
    expect(saved.length).toBeGreaterThan(8);
    for (const bytes of saved) {
      await using resumed = await trainerOn(reference());
      const callbacks = [checkpoints({ save: () => {}, everySteps: 1 })];
      await resumed.fit(data, { ...options, callbacks, resume: checkpointFromBytes(bytes) });
      expect(toBytes(await resumed.snapshot())).toEqual(weights);
    }
  });

  test("does not go on where a tree has another structure with the same words", async () => {
    const bytes = saved[0] as Uint8Array;
    const deep = data.x.findIndex(({ parents }) =>
      Array.from(parents).some((parent, node) => node < parents.length - 1 && parent < parents.length - 1),
    );
    const x = data.x.map(({ values, parents }, row): Tree => {
      const last = parents.length - 1;
      return row === deep
        ? { values, parents: Array.from(parents, (_, node) => (node === last ? -1 : last)) }
        : { values, parents };
    });
    await using trainer = await trainerOn(reference());
    const resume = checkpointFromBytes(bytes);
    const callbacks = [checkpoints({ save: () => {}, everySteps: 1 })];
    await expect(trainer.fit({ ...data, x }, { ...options, callbacks, resume })).rejects.toThrow(
      'the content of input "trees" has changed',
    );
  });
});

describe("several inputs of trees", () => {
  const binary = treeSum({ units: 3, arity: 2, name: "binary" });
  const table = embedding({ inputDim: words, outputDim: 3, maskZero: true });
  const [left, right] = ["left", "right"].map((name) => input({ shape: [`${name}Time`], name, tree: true }));
  const roots = (x: typeof left, layer: typeof binary) => lastStep()(layer(table(x as NonNullable<typeof left>)));
  const star: Tree = { values: [1, 2, 3, 0], parents: [3, 3, 3, -1] };
  const pair: Tree = { values: [1, 2, 0], parents: [2, 2, -1] };

  test("have limits of their own, by the layers that read them", async () => {
    const any = treeSum({ units: 3, name: "any" });
    const two = model(
      [left, right] as never,
      dense({ units: 1 })(concatenate()([roots(left, binary), roots(right, any)])),
    );
    await using trainer = await compile(two, { backend: reference(), loss: meanSquaredError(), optimizer: adam() });
    expect((await trainer.predict({ left: [pair], right: [star] })).shape).toEqual([1, 1]);
    await expect(trainer.predict({ left: [pair, star], right: [star, pair] })).rejects.toThrow(
      'treeSum "binary": input "left", row 1: node 3 has 3 children, and arity is 2',
    );
  });

  test("are over two times", () => {
    const x = ["a", "b"].map((name) => input({ shape: ["time"], name, tree: true }));
    expect(() => model(x, addLayer()([roots(x[0], binary), roots(x[1], binary)] as never))).toThrow(
      'over the time "time"',
    );
  });
});

test("streams and models that write do not read trees", async () => {
  await using trainer = await trainerOn(reference());
  expect(() => trainer.stream()).toThrow("predict takes them whole");
  const trained = await trainer.snapshot();
  await expect(sequenceModel(trained, { backend: reference() })).rejects.toThrow('the input "trees" is one of trees');
});
