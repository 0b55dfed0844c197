/** A contestant: what follows all of the job's sources, written by one of our backends. */
import { generate, sequenceModel } from "@ostinato/core";
import { END, type PairJob, START, trainedOf } from "../pairs.ts";
import { type OwnOptions, openBackend } from "./backends.ts";
import { given, repeat } from "./steps.ts";

const { job, options } = await given<OwnOptions, PairJob>();
const writer = await sequenceModel(await trainedOf(job), { backend: await openBackend(options) });
const { source } = job.rows;
const { maxLength, beamSize = 1 } = job;
const write = () => generate(writer, { source }, { start: START, end: END, maxLength, beamSize });
await repeat(async () => {
  const written = await write();
  return written.reduce((sum, [best]) => sum + (best?.logProbability ?? Number.NaN), 0) / written.length;
});
