/** Writes models of every layer for Keras, with their outputs: `node --conditions=@ostinato/source writeKeras.ts FOLDER`, then `python check_keras.py FOLDER`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cpu } from "@ostinato/backend-cpu";
import { predictor, type Tensor } from "@ostinato/core";
import { exportKeras } from "../../src/index.ts";
import { kerasModels } from "../kerasModels.ts";

const [folder = "."] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const plain = ({ dtype, shape, data }: Tensor) => ({ dtype, shape, data: [...data] });
const isTensor = (data: object): data is Tensor => "dtype" in data;
const named = (data: object) =>
  isTensor(data)
    ? { "": plain(data) }
    : Object.fromEntries(Object.entries(data).map(([name, tensor]) => [name, plain(tensor as Tensor)]));
for (const [name, make] of Object.entries(kerasModels)) {
  const { trained, inputs, lengths } = make();
  const own = await predictor(trained, { backend: await cpu() });
  const outputs = await own.predictAll(inputs);
  await own.dispose();
  writeFileSync(join(folder, `${name}.keras`), exportKeras(trained));
  writeFileSync(
    join(folder, `${name}.json`),
    JSON.stringify({ inputs: named(inputs), outputs: named(outputs), lengths }),
  );
}
