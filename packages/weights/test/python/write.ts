/** Writes models for PyTorch with their outputs, for `check.py`: `node --conditions=@ostinato/source write.ts FOLDER`. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cpu } from "@ostinato/backend-cpu";
import {
  bidirectional,
  compile,
  dense,
  embedding,
  float32,
  gru,
  input,
  int32,
  layerNormalization,
  lstm,
  type Model,
  meanSquaredError,
  predictor,
  RandomStream,
  reversibleEmbedding,
  sequential,
  sgd,
  simpleRnn,
} from "@ostinato/core";
import { type ModuleMap, toPytorch } from "@ostinato/weights";

const words = reversibleEmbedding({ inputDim: 9, outputDim: 4, useBias: true });

const cases: Readonly<Record<string, { readonly model: Model; readonly map: ModuleMap }>> = {
  tagger: {
    model: sequential([
      embedding({ inputDim: 9, outputDim: 3 }),
      bidirectional(lstm({ units: 4, returnSequences: true })),
      bidirectional(lstm({ units: 4, returnSequences: true })),
      dense({ units: 3 }),
    ]),
    map: { bidirectional: "rnn.l0", bidirectional_1: "rnn.l1", dense: "fc" },
  },
  stack: {
    model: sequential([
      input({ shape: ["time", 2] }),
      gru({ units: 4, returnSequences: true }),
      gru({ units: 4, returnSequences: true }),
      layerNormalization({ epsilon: 1e-5 }),
      simpleRnn({ units: 3, activation: "relu" }),
      dense({ units: 2, useBias: false }),
    ]),
    map: { gru: "gru.l0", gru_1: "gru.l1", layerNormalization: "norm", simpleRnn: "rnn", dense: "fc" },
  },
  tied: {
    model: sequential([words, lstm({ units: 4, returnSequences: true, useBias: false }), words.reverse]),
    map: { reversibleEmbedding: "words", "reversibleEmbedding/reverse": "out", lstm: "rnn" },
  },
};

const [folder = "."] = process.argv.slice(2);
const random = new RandomStream(1, "weights");
const described: Record<string, object> = {};
for (const [name, { model, map }] of Object.entries(cases)) {
  const trainer = await compile(model, { backend: await cpu(), loss: meanSquaredError(), optimizer: sgd(), seed: 1 });
  const { weights, ...rest } = await trainer.snapshot();
  await trainer.dispose();
  // Biases are initialized with zeros, which would be correct in any position.
  for (const { data } of Object.values(weights)) for (let i = 0; i < data.length; i++) data[i] = 0.5 * random.normal();
  const trained = { ...rest, weights };
  const ids = model.spec.inputs[0]?.kind === "ids";
  const x = ids
    ? int32(
        [2, 5],
        Array.from({ length: 10 }, () => random.below(9)),
      )
    : float32(
        [2, 5, 2],
        Array.from({ length: 20 }, () => random.normal()),
      );
  await using runner = await predictor(trained, { backend: await cpu() });
  const y = await runner.predict(x);
  described[name] = { x: { shape: x.shape, data: [...x.data] }, y: { shape: y.shape, data: [...y.data] } };
  await writeFile(join(folder, `${name}.safetensors`), toPytorch(trained, { map }));
}
await writeFile(join(folder, "cases.json"), JSON.stringify(described));
