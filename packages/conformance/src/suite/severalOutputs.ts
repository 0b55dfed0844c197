/** Training a model of two outputs with losses, weights and metrics of their own gives the figures and weights of the reference. */
import { accuracy, adam, type Backend, compile, meanSquaredError, sparseCategoricalCrossentropy } from "@ostinato/core";
import { followsReference, type Training } from "./followsReference.ts";
import { readingModel } from "./recurrent/textModel.ts";

/** A label for each word and two numbers for each text: the figures of four epochs, and the weights. */
async function train(backend: Backend): Promise<Training> {
  const x = Array.from({ length: 20 }, (_, row) => Array.from({ length: row % 6 }, (_, t) => 1 + ((row * t) % 6)));
  const y = {
    tags: x.map((row) => row.map((id) => id % 3)),
    score: x.map((row, i) => [row.length / 5, (i % 3) / 2]),
  };
  const sampleWeights = { tags: x.map((row) => row.map((id) => id / 6)) };
  await using trainer = await compile(readingModel({ words: 7, tags: 3, scores: 2 }), {
    backend,
    loss: { tags: sparseCategoricalCrossentropy(), score: meanSquaredError() },
    lossWeights: { score: 0.4 },
    metrics: { tags: accuracy() },
    weightedMetrics: { tags: accuracy({ name: "weighted" }) },
    optimizer: adam({ learningRate: 0.02 }),
    seed: 3,
  });
  const { epochs } = await trainer.fit({ x, y, sampleWeights }, { epochs: 4, batchSize: 4, validationSplit: 0.2 });
  return { epochs, weights: (await trainer.snapshot()).weights };
}

export const severalOutputsTests = [
  followsReference("two outputs with losses, weights and metrics of their own", train),
];
