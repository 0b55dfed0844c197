/** A contestant: probabilities of the job's batches, by a backend of ours or by onnxruntime on the exported model. */
import { createRequire } from "node:module";
import { predictor } from "@ostinato/core";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { weightsOf } from "../job.ts";
import { modelOf } from "../network.ts";
import { type OwnOptions, openBackend } from "./backends.ts";
import { gate, given } from "./steps.ts";

type Options = OwnOptions | { readonly backend: "onnxruntime"; readonly threads: number };

function onnxruntimeVersion(): string {
  return (createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string }).version;
}

const { job, options } = await given<Options>();
const trained = { spec: modelOf(job.network, job.masked).spec, weights: await weightsOf(job) };
// The exported graph gives ONNX's LSTM its sequence_lens, counted from the ids.
const scorer =
  options.backend === "onnxruntime"
    ? await onnxPredictor(exportOnnx(trained), { threads: options.threads })
    : await predictor(trained, { backend: await openBackend(options) });
const first = await scorer.predict(job.rows.slice(0, job.batch), { batchSize: job.batch });
const { open, pass } = gate();
const version = options.backend === "onnxruntime" ? { version: onnxruntimeVersion() } : {};
await open({ probabilities: Array.from(first.data), ...version });
for (;;) await scorer.predict(job.rows, { batchSize: job.batch, onStep: () => pass() });
