/** Models of an encoder and a decoder: they learn to write what they read the other way round. */
import { cpu } from "@ostinato/backend-cpu";
import {
  accuracy,
  adam,
  attention,
  bidirectional,
  compile,
  embedding,
  encoderDecoder,
  gru,
  lstm,
  RandomStream,
  sparseCategoricalCrossentropy,
  teacherForcing,
} from "@ostinato/core";
import { expect, test } from "vitest";

const random = new RandomStream(5, "digits");
/** Rows of digits, which are 3 to 8, and the same from back to front. */
const sources = Array.from({ length: 400 }, () =>
  Array.from({ length: 1 + random.below(5) }, () => 3 + random.below(6)),
);
const examples = teacherForcing(
  sources,
  sources.map((row) => row.toReversed()),
  { start: 1, end: 2 },
);
const words = () => embedding({ inputDim: 9, outputDim: 16, maskZero: true });

test.each([false, true])("input feeding: %s", { timeout: 60_000 }, async (inputFeeding) => {
  const made = encoderDecoder({
    sourceEmbedding: words(),
    targetEmbedding: words(),
    encoder: [bidirectional(gru({ units: 16 }))],
    decoder: [lstm({ units: 24 })],
    attention: attention({ scoreMode: "general" }),
    inputFeeding,
  });
  await using trainer = await compile(made, {
    backend: await cpu(),
    loss: sparseCategoricalCrossentropy(),
    optimizer: adam({ learningRate: 0.02 }),
    metrics: [accuracy()],
    seed: 1,
  });
  const { epochs } = await trainer.fit(examples, { epochs: 4, batchSize: 16 });
  expect(epochs.at(-1)?.accuracy).toBeGreaterThan(0.9);
});
