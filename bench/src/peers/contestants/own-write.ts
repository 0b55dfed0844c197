/** A contestant: phones of all the job's words, written greedily by one of our backends. */
import { readFile } from "node:fs/promises";
import { decodeSafetensors, generate, sequenceModel } from "@ostinato/core";
import { END, START, type TranscriptionJob, trainedOf } from "../transcription.ts";
import { type OwnOptions, openBackend } from "./backends.ts";
import { given, repeat } from "./steps.ts";

const { job, options } = await given<OwnOptions, TranscriptionJob>();
const trained = trainedOf(job.task, decodeSafetensors(await readFile(job.weights)).tensors);
const writer = await sequenceModel(trained, { backend: await openBackend(options) });
const { source } = job.rows;
const { maxLength } = job;
const write = () => generate(writer, { source }, { start: START, end: END, maxLength });
await repeat(async () => {
  const written = await write();
  return written.reduce((sum, [best]) => sum + (best?.logProbability ?? Number.NaN), 0) / written.length;
});
