/**
 * A contestant: the network in tfjs-layers, trained on the job's first batch. Its wasm backend has no kernel for the gradient of an
 * embedding: there the vectors are looked up beforehand and stay as they are.
 */
import { createRequire } from "node:module";
import type { Tensor } from "@ostinato/core";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { weightsOf } from "../job.ts";
import { given, repeat } from "./steps.ts";

const { job, options } = await given<{ backend: "cpu" | "wasm" }>();
const { words, embedding, units } = job.network;
const weights = await weightsOf(job);
tf.enableProdMode();
await tf.setBackend(options.backend);
await tf.ready();
const time = job.rows[0]?.length ?? 0;
const embedded = options.backend !== "wasm";
const model = layers.sequential({
  layers: [
    ...(embedded ? [layers.layers.embedding({ inputDim: words, outputDim: embedding, inputLength: time })] : []),
    // The initial weights are replaced; drawing these is quick and needs no chained ops.
    layers.layers.lstm({
      units,
      recurrentActivation: "sigmoid",
      recurrentInitializer: "zeros",
      ...(embedded ? {} : { inputShape: [time, embedding] }),
    }),
    layers.layers.dense({ units: 1, activation: "sigmoid" }),
  ],
});
model.compile({ loss: "binaryCrossentropy", optimizer: tf.train.adam(0.001, 0.9, 0.999, 1e-7) });

function own(name: string): tf.Tensor {
  const { shape, data } = weights[name] as Tensor;
  return tf.tensor([...data], [...shape]);
}

/** From ONNX's gates in rows (input, output, forget, cell) to Keras's in columns (input, forget, cell, output). */
function ownGates(name: string): tf.Tensor {
  const [i, o, f, c] = tf.split(own(name), 4) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  return tf.transpose(tf.concat([i, f, c, o], 0));
}

model.setWeights([
  ...(embedded ? [own("embedding/embeddings")] : []),
  ...["lstm/W", "lstm/R", "lstm/B"].map(ownGates),
  ...["dense/kernel", "dense/bias"].map(own),
]);
const ids = tf.tensor2d(job.rows.slice(0, job.batch).flat(), [job.batch, time], "int32");
const x = embedded ? ids : tf.gather(own("embedding/embeddings"), ids);
const y = tf.tensor2d(job.labels.slice(0, job.batch) as number[], [job.batch, 1]);
const { version } = createRequire(import.meta.url)("@tensorflow/tfjs-core/package.json") as { version: string };
await repeat(async () => Number(await model.trainOnBatch(x, y)), { version });
