/** Losses over 10,000 steps in single precision: they are finite, right, and have gradients. */
import {
  type Backend,
  compile,
  crf,
  crfDecoder,
  ctc,
  dense,
  type Initializer,
  input,
  type Loss,
  type Model,
  RandomStream,
  sequential,
  sgd,
  type Trained,
} from "@ostinato/core";
import { expect, test } from "vitest";
import { wasm } from "../src/index.ts";

const time = 10_000;
const tags = 3;
const random = new RandomStream(1, "long rows");
const x = [Array.from({ length: time }, () => Array.from({ length: tags }, () => 20 * random.uniform() - 10))];
const chain = (kernelInitializer: Initializer): Model =>
  sequential([input({ shape: ["time", tags] }), dense({ units: tags, kernelInitializer })]);

/** The loss of the row, its predictions, and the model before and after a step of training. */
async function trained(backend: Backend, loss: Loss, y: number[][], begin: Initializer = "glorotUniform") {
  await using trainer = await compile(chain(begin), { backend, loss, optimizer: sgd({ learningRate: 1e-6 }) });
  const before = await trainer.snapshot();
  const predictions = await trainer.predict(x);
  const { loss: value = 0 } = await trainer.evaluate({ x, y });
  await trainer.fit({ x, y }, { epochs: 1 });
  return { before, after: await trainer.snapshot(), predictions, value };
}

function expectLearned(before: Trained, after: Trained): void {
  for (const [name, { data }] of Object.entries(after.weights)) {
    expect(data.every(Number.isFinite)).toBe(true);
    expect(data).not.toEqual(before.weights[name].data);
  }
}

test("of a CRF", async () => {
  const path = x[0].map(() => random.below(tags));
  const { before, after, predictions, value } = await trained(await wasm(), crf(), [path]);
  const { logPartitions } = crfDecoder(before).marginals(predictions);
  const { transitions, start, end } = Object.fromEntries(
    ["transitions", "start", "end"].map((part) => [part, before.weights[`output/crf/${part}`].data]),
  );
  const score = path.reduce(
    (total, tag, t) =>
      total + predictions.data[t * tags + tag] + (t === 0 ? start[tag] : transitions[path[t - 1] * tags + tag]),
    end[path[time - 1]],
  );
  expect(value / (logPartitions[0] - score)).toBeCloseTo(1, 5);
  expectLearned(before, after);
});

test("of CTC", async () => {
  const labels = [1, 2, 1, 2, 1];
  const { before, after, value } = await trained(await wasm(), ctc(), [labels], "zeros");
  // All classes are equally likely, so alignments are: (steps + labels) over (2 labels) of them, where no label repeats.
  const count = labels.length;
  let alignments = 0;
  for (let k = 1; k <= 2 * count; k++) alignments += Math.log((time + count - 2 * count + k) / k);
  expect(value / (time * Math.log(tags) - alignments)).toBeCloseTo(1, 5);
  expectLearned(before, after);
});
