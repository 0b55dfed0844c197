/** The loss of CTC against all alignments that there are, and its life in training, files and decoding. */
import { evaluateValues, reference } from "@ostinato/conformance";
import {
  accuracy,
  adam,
  type CompileOptions,
  compile,
  ctc,
  ctcDecoder,
  dense,
  embedding,
  feed,
  float64,
  fromBytes,
  input,
  int32,
  type Loss,
  lstm,
  type Model,
  model,
  RandomStream,
  sequential,
  sgd,
  summary,
  toBytes,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const classes = 3;

function lossGraph(loss: Loss, through = (x: Value) => x): Value {
  const values = through(feed("x", "float32", ["time", "batch", classes]));
  return loss.perRow(values, feed("y", "int32", ["labels", "batch"]), {
    name: "output/ctc",
    output: { kind: "sequence", values, lengths: feed("steps", "int32", ["batch"]) },
    targetLengths: feed("lengths", "int32", ["batch"]),
    parameter: () => values,
  });
}

/** -log of the sum of the probabilities of all alignments that say the labels; 0 where there is none. */
function bruteForce(steps: readonly (readonly number[])[], labels: readonly number[], blank: number): number {
  const logs = steps.map((units) => {
    const total = Math.log(units.reduce((sum, unit) => sum + Math.exp(unit), 0));
    return units.map((unit) => unit - total);
  });
  let sum = 0;
  for (let k = 0; k < classes ** steps.length; k++) {
    const alignment = logs.map((_, t) => Math.floor(k / classes ** t) % classes);
    const said = alignment.filter((label, t) => label !== blank && label !== alignment[t - 1]);
    if (said.join() === labels.join()) sum += Math.exp(alignment.reduce((all, label, t) => all + logs[t][label], 0));
  }
  return sum === 0 ? 0 : -Math.log(sum);
}

test("is -log of the probability of all alignments, for labels of every length; without one it is 0", () => {
  const time = 5;
  for (const blank of [0, "last"] as const) {
    const graph = lossGraph(ctc({ blank }));
    const [low, silent] = blank === 0 ? [1, 0] : [0, classes - 1];
    for (let seed = 1; seed <= 20; seed++) {
      const random = new RandomStream(seed, "ctc");
      const batch = 1 + random.below(4);
      const x = Array.from({ length: batch }, () =>
        Array.from({ length: time }, () => Array.from({ length: classes }, () => 6 * random.uniform() - 3)),
      );
      const steps = x.map(() => random.below(time + 1));
      const labels = x.map(() => Array.from({ length: random.below(4) }, () => low + random.below(2)));
      const longest = Math.max(1, ...labels.map((row) => row.length));
      const [losses] = evaluateValues([graph], {
        x: float64([time, batch, classes], Array.from({ length: time }, (_, t) => x.map((row) => row[t])).flat(2)),
        y: int32([longest, batch], Array.from({ length: longest }, (_, k) => labels.map((row) => row[k] ?? 0)).flat()),
        steps: int32([batch], steps),
        lengths: int32(
          [batch],
          labels.map((row) => row.length),
        ),
      });
      x.forEach((row, b) => {
        const expected = bruteForce(row.slice(0, steps[b]), labels[b], silent);
        expect(losses.data[b]).toBeCloseTo(expected, 9);
      });
    }
  }
});

test("what is no number is not taken for a row without an alignment", () => {
  const feeds = {
    x: float64([1, 2, classes], [0, 1, 2, 0, Number.NaN, 1]),
    y: int32([1, 2], [1, 1]),
    steps: int32([2], [1, 1]),
    lengths: int32([2], [1, 1]),
  };
  const [{ data }] = evaluateValues([lossGraph(ctc())], feeds);
  expect(data[0]).toBeGreaterThan(0);
  expect(data[1]).toBeNaN();
});

/** Ids that stand for sounds of one to three steps; 0 is silence between. */
function utterances(count: number): { x: number[][]; y: number[][] } {
  const random = new RandomStream(3, "utterances");
  const y = Array.from({ length: count }, () => Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(3)));
  const x = y.map((labels) =>
    labels.flatMap((label) => [...Array.from({ length: 1 + random.below(3) }, () => label), 4]),
  );
  return { x, y };
}

const data = utterances(12);
const lengths = data.x.map((row) => row.length);

const reader = (activation: "linear" | "softmax"): Model => {
  const sounds = input({ shape: ["time"] });
  const steps = embedding({ inputDim: 5, outputDim: 4, maskZero: true })(sounds);
  const read = lstm({ units: 6, returnSequences: true })(steps);
  return model(sounds, { letters: dense({ units: 4, activation })(read) });
};

const trainerOf = (of: Model, options: Partial<CompileOptions> = {}) =>
  compile(of, { backend: reference(), loss: ctc(), optimizer: adam({ learningRate: 0.05 }), seed: 2, ...options });

describe("in the life of a model", () => {
  test("labels are learned without their places, kept with the model, and read from predictions", async () => {
    await using trainer = await trainerOf(reader("linear"), { optimizer: adam({ learningRate: 0.1 }) });
    await trainer.fit(data, { epochs: 15, batchSize: 4 });
    const trained = fromBytes(toBytes(await trainer.snapshot()));
    expect(trained.losses).toEqual({ letters: { kind: "ctc", options: { blank: 0 }, parameters: {} } });
    expect(summary(trained)).toContain("letters/ctc (ctc)");

    const predictions = await trainer.predict(data.x);
    const decoder = ctcDecoder(trained);
    const said = decoder.greedy(predictions, lengths).map(({ labels }) => [...labels]);
    expect(said).toEqual(data.y);
    const paths = decoder.beamSearch(predictions, { lengths, topPaths: 2 });
    expect(paths.map(([best]) => [...best.labels])).toEqual(data.y);
    // What the beam finds has the probability that the loss makes large.
    const { loss } = await trainer.evaluate(data);
    expect(loss).toBeCloseTo(paths.reduce((sum, [best]) => sum - best.score, 0) / paths.length, 4);

    // A softmax is looked through: with the same weights it has the same loss, and its probabilities say the same.
    await using other = await trainerOf(reader("softmax"), { weights: trained.weights });
    expect((await other.evaluate(data)).loss).toBeCloseTo(loss, 5);
    const probabilities = await other.predict(data.x);
    const again = ctcDecoder(await other.snapshot()).beamSearch(probabilities, { lengths });
    again.forEach(([best], row) => {
      expect([...best.labels]).toEqual(data.y[row]);
      expect(best.score).toBeCloseTo(paths[row][0].score, 4);
    });
  });

  test("the mean is over rows, each with its weight; batches of one give the same", async () => {
    await using trainer = await trainerOf(reader("linear"));
    const some = { x: data.x.slice(0, 3), y: data.y.slice(0, 3) };
    const each = await Promise.all(
      some.x.map(async (row, i) => (await trainer.evaluate({ x: [row], y: [some.y[i]] })).loss),
    );
    const mean = (weights: number[]) => each.reduce((sum, loss, i) => sum + weights[i] * loss, 0) / 3;
    expect((await trainer.evaluate(some)).loss).toBeCloseTo(mean([1, 1, 1]), 5);
    expect((await trainer.evaluate(some, { batchSize: 1 })).loss).toBeCloseTo(mean([1, 1, 1]), 5);
    const sampleWeights = [0, 2, 0.5];
    expect((await trainer.evaluate({ ...some, sampleWeights })).loss).toBeCloseTo(mean(sampleWeights), 5);
    // Nothing in nothing is certain.
    expect((await trainer.evaluate({ x: [[]], y: [[]] })).loss).toBeCloseTo(0, 10);
  });

  test("only a label that is missing is warned of, not the blank", async () => {
    for (const [blank, seen] of [
      [0, [1, 2, 3, 1]],
      ["last", [0, 1, 2, 0]],
    ] as const) {
      const warnings: string[] = [];
      const onWarning = (message: string) => void warnings.push(message);
      await using trainer = await trainerOf(reader("linear"), { loss: ctc({ blank }) });
      await trainer.fit({ x: [[1, 2, 3, 4]], y: [[...seen]] }, { onWarning });
      expect(warnings).toEqual([]);
      const missing = seen.map((label) => (label === seen[1] ? seen[2] : label)).slice(1);
      await trainer.fit({ x: [[1, 2, 3, 4], [1, 2, 3, 4]], y: [missing, [seen[0], seen[2]]] }, { onWarning }); // biome-ignore format: a table
      expect(warnings.join()).toContain(`class ${seen[1]} of 4 is in no row`);
    }
  });

  test("labels may be a padded tensor with lengths", async () => {
    await using trainer = await trainerOf(reader("linear"));
    const { loss } = await trainer.evaluate({ x: data.x.slice(0, 2), y: data.y.slice(0, 2) });
    const width = 3;
    const padded = int32(
      [2, width],
      data.y.slice(0, 2).flatMap((row) => Array.from({ length: width }, (_, k) => row[k] ?? 0)),
    );
    const y = { values: padded, lengths: data.y.slice(0, 2).map((row) => row.length) };
    expect((await trainer.evaluate({ x: data.x.slice(0, 2), y })).loss).toBe(loss);
  });
});

describe("wrong use", () => {
  test("an output that CTC cannot have", async () => {
    const words = embedding({ inputDim: 5, outputDim: 2, maskZero: true });
    const compiled = async (layers: readonly unknown[], loss = ctc()) =>
      compile(sequential(layers as never), { backend: reference(), loss, optimizer: sgd() });
    await expect(compiled([words, lstm({ units: 3 })])).rejects.toThrow("needs returnSequences");
    await expect(compiled([words, dense({ units: 1 })])).rejects.toThrow("one for the blank");
    await expect(compiled([words, dense({ units: 3, activation: "sigmoid" })])).rejects.toThrow("ends in a sigmoid");
    await expect(compiled([words, dense({ units: 3 })], ctc({ blank: 3 }))).rejects.toThrow(
      'the loss ctc of "output": the blank is 3, and the output has the classes 0 … 2',
    );
    expect(() => ctc({ blank: -1 })).toThrow('ctc: blank must be the number of a class or "last", got -1');
  });

  test("labels that do not fit", async () => {
    await using trainer = await trainerOf(reader("linear"));
    const evaluated = (x: number[][], y: number[][]) => trainer.evaluate({ x, y });
    const wrong = 'y of "letters", row 1: ';
    await expect(evaluated([[1], [1, 2]], [[1], [1, 2, 3]])).rejects.toThrow(
      `${wrong}3 labels need 3 steps, and the prediction has 2`,
    );
    await expect(evaluated([[1], [1, 2]], [[1], [2, 2]])).rejects.toThrow(
      `${wrong}2 labels and a blank between the 1 that repeat the one before need 3 steps, and the prediction has 2`,
    );
    await expect(evaluated([[1], [1, 2]], [[1], [2, 0]])).rejects.toThrow(`${wrong}label 1 is 0, the blank`);
    await expect(evaluated([[1], [1, 2]], [[1], [4]])).rejects.toThrow("the label 4 is outside the 4 classes");
    await expect(evaluated([[1]], [])).rejects.toThrow("0 rows");
    await expect(trainer.fit(data, { classWeight: { 1: 2 } })).rejects.toThrow("sampleWeights");
    await expect(trainerOf(reader("linear"), { metrics: [accuracy()] })).rejects.toThrow(
      'the targets of "letters" have a time of their own',
    );
  });
});
