/** A contestant: `fit` of the tree network on one of our backends, over the job's batches in their order. */
import { readFile } from "node:fs/promises";
import { decodeSafetensors } from "@ostinato/core";
import { type TreeJob, treeTrainer } from "../treebank.ts";
import { type OwnOptions, openBackend } from "./backends.ts";
import { gate, given } from "./steps.ts";

const { job, options } = await given<OwnOptions, TreeJob>();
const backend = await openBackend(options);
const { trees, labels } = job.rows;
const weights = decodeSafetensors(await readFile(job.weights)).tensors;
const fitting = await treeTrainer(job.task, backend, weights);
const { open, pass } = gate();
await open({ backend: backend.name });
let before = { loss: 0, nodes: 0 };
let at = 0;
await fitting.fit(
  { x: trees, y: labels },
  {
    epochs: Number.MAX_SAFE_INTEGER,
    batchSize: job.task.batch,
    shuffle: false,
    onStep({ step, logs }) {
      // The figure is the mean over all nodes of the epoch so far.
      if (step === 1) [before, at] = [{ loss: 0, nodes: 0 }, 0];
      const batch = labels.slice(at, at + job.task.batch);
      at += batch.length;
      const nodes = before.nodes + batch.reduce((sum, row) => sum + row.length, 0);
      const loss = (logs.loss as number) * nodes;
      const own = (loss - before.loss) / (nodes - before.nodes);
      before = { loss, nodes };
      return pass(own);
    },
  },
);
