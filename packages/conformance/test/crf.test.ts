/** The loss of a linear-chain CRF against all paths that there are, and its life in training, files and checkpoints. */
import { checkGradients, evaluateValues, reference } from "@ostinato/conformance";
import {
  accuracy,
  adam,
  adamw,
  bestModel,
  bidirectional,
  bioConstraints,
  type Checkpoint,
  type CompileOptions,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  crf,
  crfDecoder,
  dense,
  earlyStopping,
  embedding,
  feed,
  float64,
  fromBytes,
  gradients,
  gru,
  input,
  int32,
  type Loss,
  lstm,
  meanSquaredError,
  model,
  piecewiseConstant,
  predictor,
  RandomStream,
  sequential,
  sgd,
  sum,
  summary,
  type Tensors,
  type Trained,
  toBytes,
  type Value,
  viterbi,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const tags = 3;

/** The loss of each row as graph, its parameters as feeds. */
function lossGraph(loss: Loss, withLengths: boolean, count = tags): { losses: Value; wrt: Value[] } {
  const values = feed("x", "float32", ["time", "batch", count]);
  const wrt = [values];
  const losses = loss.perRow(values, feed("y", "int32", ["time", "batch"]), {
    name: "output/crf",
    output: { kind: "sequence", values, ...(withLengths ? { lengths: feed("lengths", "int32", ["batch"]) } : {}) },
    parameter(name, shape) {
      wrt.push(feed(name, "float32", shape));
      return wrt.at(-1) as Value;
    },
  });
  return { losses, wrt };
}

interface Case {
  readonly time: number;
  readonly batch: number;
  readonly lengths: readonly number[];
  readonly feeds: Tensors;
}

function drawCase(seed: number, time: number, batch: number, lengths?: readonly number[]): Case {
  const random = new RandomStream(seed, "crf");
  const numbers = (...shape: number[]) =>
    float64(
      shape,
      Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => 4 * random.uniform() - 2),
    );
  const y = Int32Array.from({ length: time * batch }, () => random.below(tags));
  return {
    time,
    batch,
    lengths: lengths ?? Array(batch).fill(time),
    feeds: {
      x: numbers(time, batch, tags),
      y: int32([time, batch], y),
      ...(lengths ? { lengths: int32([batch], lengths) } : {}),
      transitions: numbers(tags, tags),
      start: numbers(tags),
      end: numbers(tags),
    },
  };
}

/** -log of the share of a row's own path among all paths. */
function bruteForce({ time, batch, lengths, feeds }: Case, allowed = (_: readonly number[]) => true): number[] {
  return lengths.map((length, row) => {
    if (length === 0) return 0;
    const score = (path: readonly number[]): number =>
      path.reduce(
        (total, tag, t) =>
          total +
          feeds.x.data[(t * batch + row) * tags + tag] +
          (t === 0 ? feeds.start.data[tag] : feeds.transitions.data[path[t - 1] * tags + tag]),
        feeds.end.data[path[length - 1]],
      );
    const paths = Array.from({ length: tags ** length }, (_, k) =>
      Array.from({ length }, (_, t) => Math.floor(k / tags ** t) % tags),
    );
    const own = Array.from({ length: time }, (_, t) => feeds.y.data[t * batch + row]).slice(0, length);
    const total = paths.filter(allowed).reduce((all, path) => all + Math.exp(score(path)), 0);
    return Math.log(total) - score(own);
  });
}

const close = (actual: ArrayLike<number>, expected: readonly number[]): void => {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => void expect(actual[i]).toBeCloseTo(value, 9));
};

test("is -log of the share of a row's path among all paths of its length; 0 without steps", () => {
  const forms: readonly [time: number, batch: number, lengths?: number[]][] = [
    [5, 4, [5, 3, 1, 0]],
    [4, 1, [2]],
    [1, 3, [1, 0, 1]],
    [1, 1],
    [4, 2],
  ];
  forms.forEach(([time, batch, lengths], seed) => {
    const one = drawCase(seed, time, batch, lengths);
    const { losses } = lossGraph(crf(), lengths !== undefined);
    close(evaluateValues([losses], one.feeds)[0].data, bruteForce(one));
  });
});

test("has the gradients of central differences: of units, transitions, start and end", () => {
  for (const lengths of [[4, 2, 0], undefined]) {
    const { losses, wrt } = lossGraph(crf(), lengths !== undefined);
    checkGradients({ outputs: [losses], wrt, feeds: drawCase(7, 4, 3, lengths).feeds });
  }
});

test("constrained in training, paths that are not allowed take no part and their transitions get no gradient", () => {
  const constraints = bioConstraints(["O", "B-x", "I-x"]);
  const one = drawCase(3, 4, 2, [4, 3]);
  const feeds = { ...one.feeds, y: int32([4, 2], [0, 1, 1, 2, 2, 2, 2, 0]) };
  const { losses, wrt } = lossGraph(crf({ constraints, constrainTraining: true }), true);
  const allowed = (path: readonly number[]): boolean =>
    path.every((tag, t) => (t === 0 ? constraints.start[tag] : constraints.transitions[path[t - 1]][tag]));
  close(evaluateValues([losses], feeds)[0].data, bruteForce({ ...one, feeds }, allowed));
  checkGradients({ outputs: [losses], wrt, feeds });
  const unconstrained = lossGraph(crf({ constraints }), true).losses;
  close(evaluateValues([unconstrained], feeds)[0].data, bruteForce({ ...one, feeds }));
});

test("what is past a row's length changes nothing", () => {
  const { losses, wrt } = lossGraph(crf(), true);
  const grads = gradients([{ value: sum(losses), cotangent: feed("one", "float32", []) }], wrt);
  const one = drawCase(5, 4, 2, [2, 4]);
  const run = (x: Tensors["x"], y: Tensors["y"]) =>
    evaluateValues([losses, ...grads], { ...one.feeds, x, y, one: float64([], [1]) }).map(({ data }) => [...data]);
  const x = float64([4, 2, tags], [...one.feeds.x.data]);
  const y = int32([4, 2], [...one.feeds.y.data]);
  const before = run(x, y);
  for (const t of [2, 3]) {
    y.data[t * 2] = (y.data[t * 2] + 1) % tags;
    for (let tag = 0; tag < tags; tag++) x.data[t * 2 * tags + tag] = 1e6 * (tag + 1);
  }
  expect(run(x, y)).toEqual(before);
  expect(before[1].filter((_, i) => i >= 4 * tags && i % (2 * tags) < tags)).toEqual(Array(2 * tags).fill(0));
});

const names = ["O", "B-x", "I-x"];
const constraints = bioConstraints(names);
const tagger = () => {
  const words = input({ shape: ["time"] });
  const vectors = embedding({ inputDim: 8, outputDim: 4, maskZero: true, name: "words" })(words);
  const read = bidirectional(gru({ units: 4, returnSequences: true }))(vectors);
  return model(words, { tags: dense({ units: tags })(read) });
};

/** Word 1 begins a span, 2 after 1 or 2 goes on with it; 2 elsewhere is outside. */
function sentences(rows: number): { x: number[][]; y: number[][] } {
  const random = new RandomStream(4, "sentences");
  const x = Array.from({ length: rows }, () => Array.from({ length: 1 + random.below(7) }, () => 1 + random.below(7)));
  const y = x.map((row) => {
    let inside = false;
    return row.map((word) => {
      inside = word === 1 || (word === 2 && inside);
      return inside ? (word === 1 ? 1 : 2) : 0;
    });
  });
  return { x, y };
}

const data = sentences(24);
const lengths = data.x.map((row) => row.length);
const trainerOf = async (options: Partial<CompileOptions> = {}) =>
  compile(tagger(), {
    backend: reference(),
    loss: crf({ constraints }),
    optimizer: adam({ learningRate: 0.05 }),
    metrics: [accuracy()],
    seed: 3,
    ...options,
  });

describe("in the life of a model", () => {
  test("it is learned, kept in the model's file, and decoded from there", async () => {
    await using trainer = await trainerOf({ optimizer: adam({ learningRate: 0.1 }) });
    const { epochs } = await trainer.fit(data, { epochs: 12, batchSize: 4 });
    expect(epochs.at(-1)?.loss).toBeLessThan(0.1);
    const trained = await trainer.snapshot({ metadata: { tags: names } });
    expect(trained.losses).toEqual({
      tags: {
        kind: "crf",
        options: { constraints, constrainTraining: false },
        parameters: { transitions: [tags, tags], start: [tags], end: [tags] },
      },
    });
    const read = fromBytes(toBytes(trained));
    expect(read).toEqual(trained);
    expect(summary(trained)).toContain("tags/crf (crf)");

    const emissions = await trainer.predict(data.x);
    const paths = crfDecoder(read).decode(emissions, lengths);
    expect(paths.map((path) => [...path])).toEqual(data.y);
    await using other = await predictor(read, { backend: reference() });
    const again = crfDecoder(read).decode(await other.predict(data.x), lengths);
    expect(again).toEqual(paths);

    // The loss is that of the paths that decoding scores.
    const decoder = crfDecoder(read, "tags");
    const { logPartitions } = decoder.marginals(emissions, lengths);
    const { scores } = decoder.viterbi(emissions, lengths);
    const { loss } = await trainer.evaluate(data);
    const plain = viterbi(emissions, {
      lengths,
      transitions: read.weights["tags/crf/transitions"],
      start: read.weights["tags/crf/start"],
      end: read.weights["tags/crf/end"],
      constraints,
    });
    expect(plain.scores).toEqual(scores);
    const expected = scores.reduce((total, score, row) => total + logPartitions[row] - score, 0) / scores.length;
    // Paths that the constraints leave out count in the loss alone.
    expect(loss).toBeGreaterThanOrEqual(expected - 1e-6);
    expect(loss).toBeLessThan(expected + 0.1);
  });

  test("the mean is over rows, each with its weight; weighted metrics weigh the steps of a row by it", async () => {
    const weightedMetrics = [accuracy({ name: "weighted" })];
    await using trainer = await trainerOf({ weightedMetrics });
    const { x, y } = data;
    const one = async (row: number) => (await trainer.evaluate({ x: [x[row]], y: [y[row]] })).loss;
    const [first, second] = [await one(0), await one(1)];
    const both = { x: x.slice(0, 2), y: y.slice(0, 2) };
    expect((await trainer.evaluate(both)).loss).toBeCloseTo((first + second) / 2, 5);
    const weighed = await trainer.evaluate({ ...both, sampleWeights: [3, 0.5] });
    expect(weighed.loss).toBeCloseTo((3 * first + 0.5 * second) / 2, 5);
    const right = async (row: number) =>
      (await trainer.evaluate({ x: [x[row]], y: [y[row]] })).accuracy * x[row].length;
    const counted = 3 * x[0].length + 0.5 * x[1].length;
    expect(weighed.weighted).toBeCloseTo((3 * (await right(0)) + 0.5 * (await right(1))) / counted, 5);
    // Rows without steps have no loss, and count.
    const beside = await trainer.evaluate({ x: [x[0], []], y: [y[0], []] });
    expect(beside.loss).toBeCloseTo(first / 2, 5);
    expect((await trainer.evaluate({ x: [[]], y: [[]] })).loss).toBe(0);
  });

  test("resumes bit for bit, with slots, clipping, decay and averages of its parameters", async () => {
    const optimizer = adamw({ weightDecay: 0.01, globalClipnorm: 0.5, useEma: true, emaMomentum: 0.9 });
    const train = async (resume?: Checkpoint) => {
      const saved: Uint8Array[] = [];
      await using trainer = await trainerOf({ optimizer });
      const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
      const callbacks = [checkpoints({ save, everySteps: 1 })];
      await trainer.fit(data, { epochs: 2, batchSize: 16, callbacks, ...(resume ? { resume } : {}) });
      const { state } = await trainer.checkpoint();
      return { saved, state, bytes: toBytes(await trainer.snapshot({ averaged: true })) };
    };
    const whole = await train();
    for (const slot of ["adamw/m/", "adamw/v/", "ema/", ""])
      expect(Object.keys(whole.state).filter((name) => name.startsWith(`${slot}tags/crf/`))).toHaveLength(3);
    const again = await train(checkpointFromBytes(whole.saved[2]));
    expect(again.bytes).toEqual(whole.bytes);
    expect(again.state).toEqual(whole.state);
  });

  test("callbacks read its weights, and put them back", async () => {
    const kept: Trained[] = [];
    const rising = piecewiseConstant({ boundaries: [12], values: [0.05, 30] });
    await using trainer = await trainerOf({ optimizer: adam({ learningRate: rising }) });
    const { epochs } = await trainer.fit(data, {
      epochs: 6,
      batchSize: 8,
      callbacks: [
        bestModel({ monitor: "loss", save: (trained) => void kept.push(trained) }),
        earlyStopping({ monitor: "loss", patience: 9, restoreBestWeights: true }),
      ],
    });
    const best = epochs.reduce((a, b) => (b.loss < a.loss ? b : a));
    const after = await trainer.snapshot();
    expect(after.losses).toEqual(kept.at(-1)?.losses);
    expect(best.epoch).toBeLessThan(6);
    expect(after.weights).toEqual(kept.at(-1)?.weights);
  });

  test("weights of a trained model begin another training, the loss's among them", async () => {
    await using trainer = await trainerOf();
    await trainer.fit(data, { epochs: 1 });
    const { weights } = await trainer.snapshot();
    await using next = await trainerOf({ weights, seed: 9 });
    expect((await next.snapshot()).weights).toEqual(weights);
    await expect(trainerOf({ weights, loss: null as never })).rejects.toThrow("loss");
    await expect(trainerOf({ weights, loss: meanSquaredError(), metrics: [] })).rejects.toThrow(
      '"tags/crf/transitions" belong to no layer of the model, and to no loss that it is compiled with',
    );
  });

  test("several outputs have one each, or none", async () => {
    const words = input({ shape: ["time"], name: "words" });
    const [steps, h] = lstm({ units: 3, returnSequences: true, returnState: true })(
      embedding({ inputDim: 8, outputDim: 3, maskZero: true })(words),
    );
    const units = (name: string) => dense({ units: tags, name })(steps);
    const several = model(words, { first: units("a"), second: units("b"), score: dense({ units: 1 })(h) });
    await using trainer = await compile(several, {
      backend: reference(),
      loss: { first: crf(), second: crf({ constraints }), score: meanSquaredError() },
      optimizer: adam(),
    });
    const { x, y } = data;
    await trainer.fit({ x, y: { first: y, second: y, score: x.map(() => 1) } });
    const trained = fromBytes(toBytes(await trainer.snapshot()));
    expect(Object.keys(trained.losses ?? {})).toEqual(["first", "second"]);
    expect(() => crfDecoder(trained)).toThrow("first, second; name one of them");
    expect(crfDecoder(trained, "second").output).toBe("second");
    expect(() => crfDecoder(trained, "score")).toThrow('"score" was not trained with it');
  });
});

describe("wrong use", () => {
  const compiled = async (layers: readonly unknown[], loss = crf()) =>
    compile(sequential(layers as never), { backend: reference(), loss, optimizer: sgd() });
  const words = embedding({ inputDim: 8, outputDim: 2, maskZero: true });

  test("an output that a CRF cannot have", async () => {
    await expect(compiled([words, dense({ units: 3, activation: "softmax" })])).rejects.toThrow(
      'the loss crf of "output": the output ends in a softmax; a crf takes linear units',
    );
    await expect(compiled([words, lstm({ units: 2 })])).rejects.toThrow("needs returnSequences");
    await expect(compiled([words, dense({ units: 1 })])).rejects.toThrow("one for each tag");
    await expect(compiled([words, dense({ units: 2 })], crf({ constraints }))).rejects.toThrow(
      "constraints are for 3 tags, and the output has 2 units",
    );
  });

  test("data that does not fit", async () => {
    await using trainer = await trainerOf({ loss: crf({ constraints, constrainTraining: true }) });
    const train = (x: number[][], y: number[][], more = {}) => trainer.fit({ x, y }, more);
    await expect(train([[1, 2]], [[0, 3]])).rejects.toThrow('y of "tags", row 0: the label 3 is outside the 3 classes');
    await expect(train([[1, 2]], [[0]])).rejects.toThrow("has 1 steps");
    await expect(train([[1, 2], [1, 3]], [[1, 2], [0, 2]])).rejects.toThrow(
      'y of "tags", row 1: tag 2 at step 1, after tag 0, is not allowed by the constraints',
    ); // biome-ignore format: a table
    await expect(train([[1]], [[2]])).rejects.toThrow("tag 2 at the first step is not allowed");
    await expect(train([[1, 0]], [[1, 2]], { classWeight: { 0: 2 } })).rejects.toThrow("sampleWeights");
    await expect(trainer.fit({ x: [[1, 2]], y: [[1, 2]], sampleWeights: [[1, 1]] })).rejects.toThrow("sampleWeights");
    // What is behind a row's end is not looked at.
    await train([[1, 0]], [[1, 2]]);
  });
});
