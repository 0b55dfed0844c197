/** Smoke test of the built packages under the Node that runs this file: every public entry loads, and a small model learns on each backend of ours. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = join(dirname(dirname(fileURLToPath(import.meta.url))), "packages");
const manifests = readdirSync(packages)
  .map((folder) => join(packages, folder, "package.json"))
  .filter((path) => existsSync(path))
  .map((path) => JSON.parse(readFileSync(path, "utf8")))
  .filter((manifest) => !manifest.private);

for (const { name, exports } of manifests) {
  for (const entry of Object.keys(exports).filter((key) => !key.endsWith(".json"))) {
    const specifier = name + entry.slice(1);
    const names = Object.keys(await import(specifier));
    console.log(`${specifier}: ${names.length} exports`);
  }
}
/** Whether there are more high ids than low ones in a row. */
async function learns(backend) {
  const { accuracy, adam, binaryCrossentropy, compile, dense, embedding, lstm, RandomStream, sequential } =
    await import("@ostinato/core");
  const stream = new RandomStream(1, "smoke");
  const x = Array.from({ length: 200 }, () => Array.from({ length: 1 + stream.below(9) }, () => 1 + stream.below(19)));
  const y = x.map((row) => (2 * row.filter((id) => id > 9).length > row.length ? 1 : 0));
  const model = sequential([
    embedding({ inputDim: 20, outputDim: 4, maskZero: true }),
    lstm({ units: 8 }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);
  const options = {
    loss: binaryCrossentropy(),
    optimizer: adam({ learningRate: 0.02 }),
    metrics: [accuracy()],
    seed: 1,
  };
  const trainer = await compile(model, { backend, ...options });
  await trainer.fit({ x, y }, { epochs: 8, batchSize: 16 });
  const figures = await trainer.evaluate({ x, y });
  await trainer.dispose();
  if (!(figures.accuracy > 0.9)) throw new Error(`${backend.name} learned only ${figures.accuracy} of a plain rule`);
  console.log(`${backend.name}: learned ${figures.accuracy} of a plain rule`);
}

const { cpu } = await import("@ostinato/backend-cpu");
const { wasm } = await import("@ostinato/backend-wasm");
await learns(await cpu());
await learns(await wasm());

console.log(`The built packages load and train under Node ${process.versions.node}.`);
