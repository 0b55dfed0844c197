/** A contestant: `fit` of the job's model on one of our backends, over the job's batches in their order. */
import { type PairJob, pairTrainer, trainedOf } from "../pairs.ts";
import { type OwnOptions, openBackend } from "./backends.ts";
import { gate, given } from "./steps.ts";

const { job, options } = await given<OwnOptions, PairJob>();
const backend = await openBackend(options);
const { next, ...rows } = job.rows;
const trained = await trainedOf(job);
const fitting = await pairTrainer(trained, backend, trained.weights);
const { open, pass } = gate();
await open({ backend: backend.name });
let sum = 0;
await fitting.fit(
  { x: Object.fromEntries(job.spec.inputs.map(({ name }) => [name, rows[name as keyof typeof rows]])), y: next },
  {
    epochs: Number.MAX_SAFE_INTEGER,
    batchSize: job.batch,
    shuffle: false,
    onStep({ step, logs }) {
      // The figure is the mean of the epoch so far.
      const before = step === 1 ? 0 : sum;
      sum = (logs.loss as number) * step;
      return pass(sum - before);
    },
  },
);
