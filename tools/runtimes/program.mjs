/** What a user's program does, in any runtime of JavaScript: train, predict, save, load and export, on `cpu()`, on `wasm()` as it comes, and on that in a worker. Prints one line. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import {
  accuracy,
  adam,
  binaryCrossentropy,
  compile,
  dense,
  embedding,
  lstm,
  predictor,
  ResourceError,
  sequential,
} from "@ostinato/core";
import { loadModel, saveModel } from "@ostinato/core/node";
import { inWorker } from "@ostinato/core/worker";
import { exportOnnx, printOnnx } from "@ostinato/onnx";

const expect = (condition, what) => {
  if (!condition) throw new Error(what);
};

/** Whether a 7 occurs in the row. */
const x = Array.from({ length: 64 }, (_, row) =>
  Array.from({ length: 3 + (row % 4) }, (_, t) => 1 + ((row * 5 + t * 3) % 9)),
);
const y = x.map((ids) => Number(ids.includes(7)));
const folder = await mkdtemp(join(tmpdir(), "ostinato-program-"));

async function check(backend) {
  const layers = [
    embedding({ inputDim: 10, outputDim: 4, maskZero: true }),
    lstm({ units: 8 }),
    dense({ units: 1, activation: "sigmoid" }),
  ];
  const options = {
    loss: binaryCrossentropy(),
    optimizer: adam({ learningRate: 0.02 }),
    metrics: [accuracy()],
    seed: 1,
  };
  const trainer = await compile(sequential(layers), { backend, ...options });
  const { epochs } = await trainer.fit({ x, y }, { epochs: 40, batchSize: 16 });
  expect(epochs.at(-1).accuracy === 1, `${backend.name}: learned ${epochs.at(-1).accuracy} of a plain rule`);
  const trained = await trainer.snapshot();
  await trainer.dispose();

  const path = join(folder, "model.safetensors");
  await saveModel(path, trained);
  const [fresh, loaded] = await Promise.all(
    [trained, await loadModel(path)].map(async (model) => {
      const judge = await predictor(model, { backend });
      const { data } = await judge.predict(x);
      await judge.dispose();
      return [...data];
    }),
  );
  expect(
    fresh.every((p, row) => p > 0.5 === (y[row] === 1)),
    `${backend.name}: predicts otherwise than it evaluates`,
  );
  expect(
    fresh.every((p, row) => p === loaded[row]),
    `${backend.name}: a loaded model predicts otherwise than the saved one`,
  );

  const onnx = join(folder, "model.onnx");
  await writeFile(onnx, exportOnnx(trained));
  expect(
    (await stat(onnx)).size > 1000 && printOnnx(exportOnnx(trained)).includes("LSTM"),
    "the exported model has no LSTM",
  );
  return fresh;
}

const Worker = globalThis.Worker ?? (await import("node:worker_threads")).Worker;
const startWorker = () => new Worker(new URL("worker.mjs", import.meta.url), { type: "module" });

// Three threads compile at once, where V8's flags are the process's.
const [fast, remote, other] = await Promise.all([wasm(), inWorker(startWorker()), inWorker(startWorker())]);
if (availableParallelism() > 1) expect(/[2-9] threads\)$/.test(fast.name), `no threads: ${fast.name}`);
const plain = await check(await cpu());
const quick = await check(fast);
expect(
  quick.every((p, row) => Math.abs(p - plain[row]) < 1e-3),
  "cpu and wasm are of different minds",
);

for (const backend of [remote, other]) {
  expect(
    (await check(backend)).every((p, row) => p === quick[row]),
    "a worker computes other bits",
  );
  await backend.dispose();
}

const doomed = startWorker();
const orphan = await inWorker(doomed);
doomed.terminate();
const lost = await orphan.open({}).catch((error) => error);
expect(lost instanceof ResourceError, `the end of a worker went unnoticed: ${lost}`);

await rm(folder, { recursive: true });
console.log(fast.name);
