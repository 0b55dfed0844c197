/** A contestant: `fit` on one of our backends, or with `forward` the loss alone, over the job's batches in their order. */
import { targetsOf, weightsOf } from "../job.ts";
import { trainerOf } from "../network.ts";
import { type OwnOptions, openBackend } from "./backends.ts";
import { gate, given } from "./steps.ts";

const { job, options } = await given<OwnOptions & { readonly forward?: boolean }>();
const backend = await openBackend(options);
const fitting = await trainerOf(job.network, job.masked, backend, await weightsOf(job));
const { open, pass } = gate();
await open({ backend: backend.name });
const data = { x: job.rows, y: targetsOf(job) };
if (options.forward) for (;;) await fitting.evaluate(data, { batchSize: job.batch, onStep: () => pass() });
let sum = 0;
await fitting.fit(data, {
  epochs: Number.MAX_SAFE_INTEGER,
  batchSize: job.batch,
  shuffle: false,
  onStep({ step, logs }) {
    // The figure is the mean of the epoch so far.
    const before = step === 1 ? 0 : sum;
    sum = (logs.loss as number) * step;
    return pass(sum - before);
  },
});
