/** Small trained models, and their files taken apart. */
import {
  dense,
  dropout,
  embedding,
  float32,
  input,
  type Json,
  lstm,
  model,
  sizeOf,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import { buildModel } from "../src/nn/build.ts";

/** A model of every kind of layer but one, with weights that are told apart. */
export function smallModel(extra: Pick<Trained, "vocabulary" | "metadata"> = {}): Trained {
  const words = input({ shape: ["time"], name: "words" });
  const vectors = dropout({ rate: 0.25 })(embedding({ inputDim: 5, outputDim: 2, maskZero: true })(words));
  const states = lstm({ units: 1, kernelInitializer: { kind: "uniform", minval: -1, maxval: 1 } })(vectors);
  const { spec } = model(words, { probability: dense({ units: 1, activation: "sigmoid", name: "head" })(states) });
  const weights: Tensors = Object.fromEntries(
    buildModel(spec).parameters.map(({ name, shape }, k) => [
      name,
      float32(
        shape,
        Array.from({ length: sizeOf(shape) }, (_, i) => k + i / 8),
      ),
    ]),
  );
  return { spec, weights, ...extra };
}

/** The length of the header, the header, and the data of a safetensors file. */
export function takeApart(bytes: Uint8Array): { header: Record<string, Json>; data: Uint8Array } {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  return { header: JSON.parse(text), data: bytes.subarray(8 + length) };
}

/** A safetensors file with any header, right or wrong. */
export function putTogether(header: string, data: Uint8Array, length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

/** A model file whose header was edited. */
export function edited(bytes: Uint8Array, edit: (header: Record<string, Json>) => unknown): Uint8Array {
  const { header, data } = takeApart(bytes);
  edit(header);
  return putTogether(JSON.stringify(header), data);
}
