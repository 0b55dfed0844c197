/** Weights that Keras saved, put into the same models here: what these predict is what Keras predicted. The files lie beside the project, where the data for tests is. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { reference } from "@ostinato/conformance";
import {
  bidirectional,
  dense,
  embedding,
  float32,
  gru,
  input,
  int32,
  lstm,
  type Model,
  predictor,
  type RecurrenceName,
  sequential,
  simpleRnn,
  type Tensor,
  type Tensors,
  toOnnxGates,
} from "@ostinato/core";
import h5wasm, { Dataset, File } from "h5wasm/node";
import { describe, expect, test } from "vitest";

const folder = join(import.meta.dirname, "../../../../shared/data/keras-files");
const present = existsSync(folder);
if (!present) console.info(`skipped: what Keras predicts for saved weights, since ${folder} is not there`);

interface Saved {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type Read = (path: string) => Saved;

const tensor = ({ shape, data }: Saved): Tensor => float32(shape, data);

/** The weights of a recurrent cell: Keras keeps [input, gates * units] in its own order of gates, we [gates * units, input] in ONNX's. */
function cell(read: Read, path: string, name: RecurrenceName, layer: string): Tensors {
  const [kernel, recurrent, bias] = [0, 1, 2].map((k) => read(`${path}/cell/vars/${k}`));
  const units = recurrent.shape[0];
  const gates = ({ shape: [rows, columns], data }: Saved): Tensor => {
    const transposed = Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
    return float32([columns, rows], toOnnxGates(name, transposed, units, rows, "keras"));
  };
  const rows = kernel.shape[1];
  // A bias of two rows is that of the input and that of the recurrent product.
  const biases = bias.shape.length === 2 ? { B: 0, recurrentBias: 1 } : { B: 0 };
  return {
    [`${layer}/W`]: gates(kernel),
    [`${layer}/R`]: gates(recurrent),
    ...Object.fromEntries(
      Object.entries(biases).map(([suffix, row]) => [
        `${layer}/${suffix}`,
        float32([rows], toOnnxGates(name, bias.data.slice(row * rows, (row + 1) * rows), units, 1, "keras")),
      ]),
    ),
  };
}

const plainDense = (read: Read): Tensors => ({
  "dense/kernel": tensor(read("layers/dense/vars/0")),
  "dense/bias": tensor(read("layers/dense/vars/1")),
});
const table = (read: Read): Tensors => ({ "embedding/embeddings": tensor(read("layers/embedding/vars/0")) });
const words = () => embedding({ inputDim: 50, outputDim: 6, maskZero: true });
const vectors = () => input({ shape: ["time", 3] });

const cases: Readonly<Record<string, { readonly model: Model; readonly weights: (read: Read) => Tensors }>> = {
  imdb_lstm: {
    model: sequential([words(), lstm({ units: 8 }), dense({ units: 1, activation: "sigmoid" })]),
    weights: (read) => ({ ...table(read), ...cell(read, "layers/lstm", "lstm", "lstm"), ...plainDense(read) }),
  },
  bilstm_tagger: {
    model: sequential([
      words(),
      bidirectional(lstm({ units: 5, returnSequences: true })),
      dense({ units: 4, activation: "softmax" }),
    ]),
    weights: (read) => ({
      ...table(read),
      ...cell(read, "layers/bidirectional/forward_layer", "lstm", "bidirectional/forward"),
      ...cell(read, "layers/bidirectional/backward_layer", "lstm", "bidirectional/backward"),
      ...plainDense(read),
    }),
  },
  gru_reset_after: {
    model: sequential([vectors(), gru({ units: 7, returnSequences: true }), gru({ units: 5 })]),
    weights: (read) => ({
      ...cell(read, "layers/gru", "gru", "gru"),
      ...cell(read, "layers/gru_1", "gru", "gru_1"),
    }),
  },
  gru_reset_before: {
    model: sequential([vectors(), gru({ units: 7, resetAfter: false }), dense({ units: 2 })]),
    weights: (read) => ({ ...cell(read, "layers/gru", "gru", "gru"), ...plainDense(read) }),
  },
  simple_rnn: {
    model: sequential([vectors(), simpleRnn({ units: 6, activation: "relu" }), dense({ units: 2 })]),
    weights: (read) => ({ ...cell(read, "layers/simple_rnn", "rnn", "simpleRnn"), ...plainDense(read) }),
  },
};

/** Reads one dataset after the other of a file of weights. */
async function readerOf(path: string): Promise<{ readonly read: Read; readonly close: () => void }> {
  await h5wasm.ready;
  const file = new File(path, "r");
  return {
    read(name) {
      const dataset = file.get(name);
      if (!(dataset instanceof Dataset)) throw new Error(`${path} has no ${name}`);
      return { shape: dataset.shape ?? [], data: Array.from(dataset.value as Float32Array) };
    },
    close: () => void file.close(),
  };
}

describe.skipIf(!present)("saved by Keras", () => {
  for (const [name, { model, weights }] of Object.entries(cases)) {
    test(name, async () => {
      const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")).cases[name];
      const { read, close } = await readerOf(join(folder, `${name}.weights.h5`));
      const trained = { spec: model.spec, weights: weights(read) };
      close();
      const { shape, data, dtype } = expected.input as Saved & { readonly dtype: string };
      await using loaded = await predictor(trained, { backend: reference() });
      const x = dtype === "int32" ? int32(shape, data) : float32(shape, data);
      const predicted = await loaded.predict(x);
      const [output] = expected.outputs as readonly Saved[];
      const [batch, time] = shape;
      const over = output.shape.length === 3;
      const width = output.shape.at(-1) as number;
      let compared = 0;
      for (let row = 0; row < batch; row++) {
        const ids = data.slice(row * time, (row + 1) * time);
        // Past a row's end ours are zeros, Keras's what the layer behind makes of zeros.
        const steps = over ? ids.findLastIndex((id) => id !== 0) + 1 : 1;
        for (let k = 0; k < steps * width; k++) {
          const ours = row * (predicted.data.length / batch) + k;
          const theirs = row * (over ? time : 1) * width + k;
          expect(Math.abs(predicted.data[ours] - output.data[theirs]), `row ${row}, ${k}`).toBeLessThan(1e-5);
          compared += 1;
        }
      }
      expect(compared).toBeGreaterThan(0);
    });
  }
});
