/** A thousand sources, written by a beam: `cpu()`, `wasm()` on one thread and two, and onnxruntime give the same tokens. */
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import {
  adam,
  attention,
  bidirectional,
  compile,
  embedding,
  encoderDecoder,
  type Generated,
  generate,
  gru,
  lstm,
  RandomStream,
  type SequenceModel,
  sequenceModel,
  sparseCategoricalCrossentropy,
  type Trained,
  teacherForcing,
} from "@ostinato/core";
import { exportDecoding } from "@ostinato/onnx";
import { onnxSequenceModel } from "@ostinato/onnx/node";
import { expect, test } from "vitest";

const random = new RandomStream(14, "sources");
/** Lists of up to eight of ten digits. */
const digits = (rows: number): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: 1 + random.below(8) }, () => 3 + random.below(10)));

/** A model that has begun to learn how digits are turned round. */
async function reversing(): Promise<Trained> {
  const words = () => embedding({ inputDim: 13, outputDim: 8, maskZero: true });
  const model = encoderDecoder({
    sourceEmbedding: words(),
    targetEmbedding: words(),
    encoder: [bidirectional(gru({ units: 8 }))],
    decoder: [lstm({ units: 16 })],
    attention: attention({ scoreMode: "general" }),
    inputFeeding: true,
  });
  await using trainer = await compile(model, {
    backend: await wasm({ threads: 1 }),
    loss: sparseCategoricalCrossentropy(),
    optimizer: adam({ learningRate: 0.02 }),
    seed: 1,
  });
  const source = digits(400);
  const target = source.map((row) => row.toReversed());
  await trainer.fit(teacherForcing(source, target, { start: 1, end: 2 }), { epochs: 6 });
  return trainer.snapshot();
}

const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * (1 + Math.abs(b));

test("1,000 sources, the two best of a beam of five", async () => {
  const trained = await reversing();
  const source = digits(1000);
  const write = async (model: SequenceModel): Promise<Generated[][]> => {
    await using writer = model;
    return await generate(
      writer,
      { source },
      { start: 1, end: 2, beamSize: 5, nBest: 2, maxLength: 12, batchSize: 128 },
    );
  };
  const expected = await write(await sequenceModel(trained, { backend: await cpu() }));
  const others = [
    await sequenceModel(trained, { backend: await wasm({ threads: 1 }) }),
    await sequenceModel(trained, { backend: await wasm({ threads: 2 }) }),
    await onnxSequenceModel(exportDecoding(trained), { threads: 1 }),
  ];
  for (const model of others) {
    const given = await write(model);
    let alike = 0;
    for (const [row, results] of expected.entries())
      for (const [place, { tokens, score }] of results.entries()) {
        const one = given[row]?.[place];
        // Sums in another order differ in their last digits. So where two hypotheses are as good as each other, either may come first.
        expect(close(one?.score ?? Number.NaN, score)).toBe(true);
        if (one?.tokens.join() === tokens.join()) alike += 1;
      }
    expect(alike).toBeGreaterThanOrEqual(1995);
  }
});
