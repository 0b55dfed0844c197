/** Scheduled sampling: with probability 1 it is teacher forcing, with 0 a model reads what it wrote, and between them coins decide. */
import { evaluate, reference } from "@ostinato/conformance";
import {
  adam,
  additiveAttention,
  attention,
  bidirectional,
  type Checkpoint,
  checkpoints,
  compile,
  dense,
  dropout,
  embedding,
  encoderDecoder,
  float32,
  float64,
  gru,
  inferenceGraph,
  input,
  int32,
  lstm,
  type Model,
  model,
  NonFiniteError,
  nodesOf,
  RandomStream,
  rootsOf,
  scheduledSampling,
  sequential,
  sgd,
  simpleRnn,
  sizeOf,
  sparseCategoricalCrossentropy,
  type Tensor,
  type Tensors,
  type TrainingForm,
  teacherForcing,
  toBytes,
  trainingGraph,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const tokens = 6;
const words = () => embedding({ inputDim: tokens, outputDim: 3, maskZero: true });
const shared = { encoder: [bidirectional(gru({ units: 2 }))], decoder: [lstm({ units: 4 }), gru({ units: 3 })] };
const models: Readonly<Record<string, () => Model>> = {
  "no attention": () => encoderDecoder({ ...shared, sourceEmbedding: words(), targetEmbedding: words(), dropout: 0.3 }),
  "attention, dropout in all places": () =>
    encoderDecoder({
      ...shared,
      decoder: [lstm({ units: 4, dropout: 0.2, recurrentDropout: 0.2 }), gru({ units: 3 })],
      sourceEmbedding: words(),
      targetEmbedding: words(),
      attention: attention({ scoreMode: "general", dropout: 0.2 }),
      dropout: 0.2,
    }),
  "input feeding": () => {
    const embedded = words();
    return encoderDecoder({
      ...shared,
      sourceEmbedding: embedded,
      targetEmbedding: embedded,
      attention: additiveAttention({ units: 3 }),
      inputFeeding: true,
      dropout: 0.2,
    });
  },
  "a language model": () =>
    sequential([
      words(),
      simpleRnn({ units: 4, returnSequences: true }),
      dropout({ rate: 0.4 }),
      dense({ units: tokens, activation: "softmax" }),
    ]),
};

const random = new RandomStream(4, "sampling");
const loss = sparseCategoricalCrossentropy();
const [rows, time] = [4, 5];
const lengths = [5, 1, 3, 4];
const ids = (steps: number, size: readonly number[]): Tensor =>
  int32(
    [rows, steps],
    Array.from({ length: rows * steps }, (_, i) =>
      i % steps < size[Math.floor(i / steps)] ? 1 + random.below(tokens - 1) : 0,
    ),
  );
const fed = { source: ids(4, [4, 2, 1, 3]), target: ids(time, lengths), next: ids(time, lengths) };

/** A step of training as a graph, its weights, and what it is fed. */
function drawn({ spec }: Model, form?: TrainingForm) {
  const graph = trainingGraph(spec, { loss, ...(form ? { scheduledSampling: form } : {}) }, sgd(), 7);
  const name = spec.outputs[0].name;
  const inputs = nodesOf(rootsOf(graph)).flatMap((node): Value[] =>
    node.op === "input" && node.attrs.kind === "state" ? [{ node, output: 0, type: node.outputs[0] }] : [],
  );
  const weights = inputs.filter(({ type }) => type.dtype === "float32");
  const feeds = (probability: number): Tensors => ({
    source: fed.source,
    [spec.inputs.at(-1)?.name as string]: fed.target,
    [`${name}/target`]: fed.next,
    "training/learningRate": float32([], [0.1]),
    "training/teacherForcing": float32([], [probability]),
  });
  return { graph, weights, feeds };
}

const nameOf = ({ node }: Value): string => (node.op === "input" ? node.attrs.name : "");

/** Random numbers for the weights, and the number of the step. */
function stateOf(weights: readonly Value[], step = 3): Tensors {
  const stream = new RandomStream(9, "weights");
  const sorted = weights.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const numbers = sorted.map(({ type }) => {
    const shape = type.shape as readonly number[];
    return float64(
      shape,
      Array.from({ length: sizeOf(shape) }, () => 2 * stream.uniform() - 1),
    );
  });
  return {
    ...Object.fromEntries(sorted.map((value, i) => [nameOf(value), numbers[i]])),
    "training/step": int32([], [step]),
  };
}

const far = (a: Tensor, b: Tensor): number =>
  Math.max(...Array.from(a.data, (value, i) => Math.abs(value - b.data[i])));

describe.each(Object.entries(models))("%s", (_, make) => {
  const made = make();

  test("with probability 1 it is teacher forcing, with the same masks", () => {
    for (const choose of ["best", "sample"] as const) {
      const sampled = drawn(made, scheduledSampling({ teacherForcing: 1, choose }));
      const plain = drawn(made);
      const state = stateOf(plain.weights);
      const [given, wanted] = [sampled, plain].map(({ graph, feeds }) => evaluate(graph, feeds(1), state));
      expect(far(given.fetches.loss, wanted.fetches.loss)).toBeLessThan(1e-12);
      for (const name of Object.keys(state))
        expect(far(given.state[name], wanted.state[name]), name).toBeLessThan(1e-12);
    }
  });
});

test("with probability 0 each step but the first reads the likeliest token of the step before, and never padding", () => {
  const embedded = words();
  const made = encoderDecoder({
    ...shared,
    sourceEmbedding: embedded,
    targetEmbedding: embedded,
    attention: attention({ scoreMode: "general" }),
    inputFeeding: true,
  });
  const { graph, weights, feeds } = drawn(made, scheduledSampling({ teacherForcing: 0 }));
  const state = stateOf(weights);
  const predict = inferenceGraph(made.spec);
  const read = Int32Array.from(fed.target.data as Int32Array);
  for (let t = 1; t < time; t++) {
    const { next } = evaluate(predict, { source: fed.source, target: int32([rows, time], read) }, state).fetches;
    for (let row = 0; row < rows; row++) {
      const scores = next.data.slice((row * time + t - 1) * tokens, (row * time + t) * tokens);
      if (t < lengths[row]) read[row * time + t] = 1 + scores.slice(1).indexOf(Math.max(...scores.slice(1)));
    }
  }
  expect([...read]).not.toEqual([...fed.target.data]);
  const plain = drawn(made);
  const wanted = evaluate(plain.graph, { ...plain.feeds(1), target: int32([rows, time], read) }, state).fetches.loss;
  expect(far(evaluate(graph, feeds(0), state).fetches.loss, wanted)).toBeLessThan(1e-12);
});

describe("what is read", () => {
  // Each token has numbers of its own, by which the loss of the step that reads it is known.
  const chain = sequential([embedding({ inputDim: 4, outputDim: 4 }), dense({ units: 4, activation: "softmax" })]);
  const many = 4000;
  const table = [0, 0.1, 0.2, 0.7].map((probability) =>
    [0.4, 0.3, 0.2, 0.1].map((other, i) => (i === 0 ? probability + other : other)),
  );
  const state = (step: number): Tensors => ({
    "embedding/embeddings": float64([4, 4], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
    "dense/kernel": float64(
      [4, 4],
      table.flatMap((row) => row.map((value) => Math.log(value))),
    ),
    "dense/bias": float64([4], [0, 0, 0, 0]),
    "training/step": int32([], [step]),
  });
  const lossOf = (form: TrainingForm, probability: number, step: number): number => {
    const graph = trainingGraph(chain.spec, { loss, scheduledSampling: form }, sgd(), 3);
    const feeds = {
      input: int32(
        [many, 2],
        Array.from({ length: 2 * many }, (_, i) => (i % 2 === 0 ? 1 : 2)),
      ),
      // The first step always says 1 of 1; the second tells what it reads by how likely 0 is.
      "output/target": int32(
        [many, 2],
        Array.from({ length: 2 * many }, (_, i) => (i % 2 === 0 ? 1 : 0)),
      ),
      "training/learningRate": float32([], [0]),
      "training/teacherForcing": float32([], [probability]),
    };
    return evaluate(graph, feeds, state(step)).fetches.loss.data[0];
  };
  const likely = table.map((row) => row.map((value) => value / row.reduce((a, b) => a + b)));
  const ofToken = likely.map((row) => -Math.log(row[0]));
  const ofStart = -Math.log(likely[1][1]);

  test("is given as often as the probability says, and coins are others at each step of training", () => {
    const form = scheduledSampling({ teacherForcing: 0.3 });
    // Of 1 the likeliest next is 0.
    const share = (step: number): number =>
      (2 * lossOf(form, Math.fround(0.3), step) - ofStart - ofToken[0]) / (ofToken[2] - ofToken[0]);
    const [first, second] = [share(0), share(1)];
    expect(Math.abs(first - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / many));
    expect(Math.abs(second - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / many));
    expect(first).not.toBe(second);
    expect(share(0)).toBe(first);
  });

  test("is drawn by its probability", () => {
    const mean = 2 * lossOf(scheduledSampling({ teacherForcing: 0, choose: "sample" }), 0, 0) - ofStart;
    const wanted = likely[1].reduce((sum, probability, token) => sum + probability * ofToken[token], 0);
    const variance = likely[1].reduce(
      (sum, probability, token) => sum + probability * (ofToken[token] - wanted) ** 2,
      0,
    );
    expect(Math.abs(mean - wanted)).toBeLessThan(4 * Math.sqrt(variance / many));
    expect(variance).toBeGreaterThan(0.01);
  });
});

test("a training goes on from a checkpoint to the same bytes", async () => {
  const examples = teacherForcing([[3, 4], [5], [4, 4, 3]], [[4, 3], [5], [3, 4, 4]], { start: 1, end: 2 });
  const trainer = () =>
    compile(models["input feeding"](), {
      backend: reference(),
      loss,
      optimizer: adam(),
      seed: 2,
      scheduledSampling: scheduledSampling({ teacherForcing: (step) => 1 / (1 + step), choose: "sample" }),
    });
  const saved: Checkpoint[] = [];
  const callbacks = () => [checkpoints({ save: (checkpoint) => void saved.push(checkpoint), everySteps: 1 })];
  await using straight = await trainer();
  await straight.fit(examples, { epochs: 2, batchSize: 2, callbacks: callbacks() });
  await using resumed = await trainer();
  await resumed.fit(examples, { epochs: 2, batchSize: 2, resume: saved[1], callbacks: callbacks() });
  expect(toBytes(await resumed.snapshot())).toEqual(toBytes(await straight.snapshot()));
  await using other = await compile(models["input feeding"](), {
    backend: reference(),
    loss,
    optimizer: adam(),
    seed: 2,
  });
  await expect(
    other.fit(examples, { epochs: 2, batchSize: 2, resume: saved[1], callbacks: callbacks() }),
  ).rejects.toThrow("scheduledSampling");
});

describe("wrong use is a typed error with the way out", () => {
  const compiled = (made: Model, given: unknown = scheduledSampling({ teacherForcing: 0.5 })) =>
    compile(made, { backend: reference(), loss, optimizer: adam(), scheduledSampling: given as TrainingForm });
  const head = () => dense({ units: tokens, activation: "softmax" });
  const wrong: Readonly<Record<string, readonly [() => unknown, ...string[]]>> = {
    "a probability above 1": [
      () => scheduledSampling({ teacherForcing: 1.5 }),
      "ConfigError",
      "teacherForcing must be a number from 0 to 1",
      "got 1.5",
    ],
    "another choice": [
      () => scheduledSampling({ teacherForcing: 1, choose: "worst" as "best" }),
      "ConfigError",
      "choose must be one of best, sample",
    ],
    "a number in its place": [
      () => compiled(models["a language model"](), 0.5),
      "ConfigError",
      "scheduledSampling must be what a function such as scheduledSampling({ teacherForcing: 0.9 }) made, got 0.5",
    ],
    "a model of rows": [
      () => compiled(sequential([words(), gru({ units: 2 }), head()])),
      "ConfigError",
      'scheduledSampling: decoding: the output "output" must be over the time',
    ],
    "a decoder that reads backward": [
      () => compiled(sequential([words(), bidirectional(gru({ units: 2, returnSequences: true })), head()])),
      "ConfigError",
      'scheduledSampling: decoding: the bidirectional "bidirectional" cannot take the tokens',
    ],
    "a decoder that goes on from batch to batch": [
      () => compiled(sequential([words(), gru({ units: 2, returnSequences: true, stateful: true }), head()])),
      "ConfigError",
      'scheduledSampling: the gru "gru" is stateful',
    ],
    "an output of whole rows": [
      () => {
        const x = input({ shape: ["time"] });
        const [y, h] = gru({ units: 2, returnSequences: true, returnState: true })(words()(x));
        return compiled(model(x, { next: head()(y), last: head()(h) }));
      },
      "ConfigError",
      'the output "last" depends on the tokens, and is not over their time',
    ],
  };
  test.each(Object.entries(wrong))("%s", async (_, [act, name, ...parts]) => {
    const thrown = await (async () => act())().catch((error: unknown) => error);
    expect((thrown as Error).name, String(thrown)).toBe(name);
    for (const part of parts) expect((thrown as Error).message).toContain(part);
  });

  test("a step that leaves numbers that are not finite", async () => {
    await using trainer = await compile(models["input feeding"](), {
      backend: reference(),
      loss,
      optimizer: sgd({ learningRate: 1e300 }),
      scheduledSampling: scheduledSampling({ teacherForcing: 0.5 }),
    });
    const examples = teacherForcing([[3, 4]], [[4, 3]], { start: 1, end: 2 });
    await expect(trainer.fit(examples, { epochs: 5 })).rejects.toThrow(NonFiniteError);
  });

  test("a function that gives no probability, at the step", async () => {
    await using trainer = await compiled(
      models["a language model"](),
      scheduledSampling({ teacherForcing: (step) => 1 - step }),
    );
    await expect(trainer.fit({ x: [[1, 3]], y: [[3, 2]] }, { epochs: 3 })).rejects.toThrow(
      "teacherForcing must be a number from 0 to 1 at step 2, got -1",
    );
  });
});
