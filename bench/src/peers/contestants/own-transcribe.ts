/** A contestant: `fit` of the encoder–decoder on one of our backends, over the job's batches in their order. */
import { readFile } from "node:fs/promises";
import { decodeSafetensors } from "@ostinato/core";
import { type TranscriptionJob, trainerOf } from "../transcription.ts";
import { type OwnOptions, openBackend } from "./backends.ts";
import { gate, given } from "./steps.ts";

const { job, options } = await given<OwnOptions, TranscriptionJob>();
const backend = await openBackend(options);
const { source, target, next } = job.rows;
const weights = decodeSafetensors(await readFile(job.weights)).tensors;
const fitting = await trainerOf(job.task, backend, weights);
const { open, pass } = gate();
await open({ backend: backend.name });
let sum = 0;
await fitting.fit(
  { x: { source, target }, y: next },
  {
    epochs: Number.MAX_SAFE_INTEGER,
    batchSize: job.task.batch,
    shuffle: false,
    onStep({ step, logs }) {
      // The figure is the mean of the epoch so far.
      const before = step === 1 ? 0 : sum;
      sum = (logs.loss as number) * step;
      return pass(sum - before);
    },
  },
);
