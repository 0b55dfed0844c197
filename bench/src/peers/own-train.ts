/** A contestant: `fit` on one of our backends, over the job's batches in their order. */
import { type OwnOptions, openBackend } from "./backends.ts";
import { network, trainer } from "./job.ts";
import { gate, given, weightsOf } from "./steps.ts";

const { job, options } = await given<OwnOptions>();
const backend = await openBackend(options);
const fitting = await trainer(network(job, job.masked), backend, weightsOf(job));
const { open, pass } = gate();
await open({ backend: backend.name });
let sum = 0;
await fitting.fit(
  { x: job.rows, y: Int32Array.from(job.labels) },
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
