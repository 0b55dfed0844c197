/** Training with losses of whole rows, with parameters and with targets of their own length, gives the figures and weights of the reference. */
import {
  accuracy,
  adam,
  type Backend,
  compile,
  crf,
  ctc,
  dense,
  embedding,
  input,
  model,
  quantileLoss,
} from "@ostinato/core";
import { followsReference, type Training } from "./followsReference.ts";

/** Rows of 0 to 5 words: a path of tags, letters without places, and two quantiles of each step. */
async function train(backend: Backend): Promise<Training> {
  const words = input({ shape: ["time"] });
  const steps = embedding({ inputDim: 7, outputDim: 5, maskZero: true })(words);
  const x = Array.from({ length: 14 }, (_, row) => Array.from({ length: row % 6 }, (_, t) => 1 + ((row * t) % 6)));
  await using trainer = await compile(
    model(words, {
      tags: dense({ units: 3 })(steps),
      letters: dense({ units: 4, activation: "softmax" })(steps),
      band: dense({ units: 2 })(steps),
    }),
    {
      backend,
      loss: { tags: crf(), letters: ctc(), band: quantileLoss({ quantiles: [0.25, 0.75] }) },
      metrics: { tags: accuracy() },
      optimizer: adam({ learningRate: 0.02, globalClipnorm: 5 }),
      seed: 3,
    },
  );
  const y = {
    tags: x.map((row) => row.map((id) => id % 3)),
    letters: x.map((row) => row.slice(0, Math.ceil(row.length / 2)).map((_, k) => 1 + (k % 3))),
    band: x.map((row) => row.map((id) => [id / 6])),
  };
  const sampleWeights = { tags: x.map((_, row) => (row % 4) / 2), letters: x.map((row) => row.length / 5) };
  const { epochs } = await trainer.fit({ x, y, sampleWeights }, { epochs: 3, batchSize: 4, validationSplit: 0.2 });
  return { epochs, weights: (await trainer.snapshot()).weights };
}

export const wholeRowsTests = [
  followsReference("losses of whole rows, with parameters and targets of another length", train),
];
