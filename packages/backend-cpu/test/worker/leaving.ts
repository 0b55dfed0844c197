/** A program that trains in a worker and comes to its end: with everything disposed, or with nothing. */
import { binaryCrossentropy, compile, dense, input, sequential, sgd } from "@ostinato/core";
import { inWorker } from "@ostinato/core/worker";
import { startWorker } from "./start.ts";

const backend = await inWorker(startWorker("backend.worker.ts"));
const trainer = await compile(sequential([input({ shape: [2] }), dense({ units: 1, activation: "sigmoid" })]), {
  backend,
  loss: binaryCrossentropy(),
  optimizer: sgd(),
});
const { epochs } = await trainer.fit(
  {
    x: [
      [0, 1],
      [1, 0],
    ],
    y: [0, 1],
  },
  { epochs: 3 },
);
console.log(`trained ${epochs.length}`);
if (process.argv[2] === "dispose") {
  await trainer.dispose();
  await backend.dispose();
}
