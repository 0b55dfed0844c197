/** The golden files of Keras, and comparison of a model's results with Keras's. */
import { gunzipSync } from "node:zlib";
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import {
  adam,
  compile,
  float32,
  type Inputs,
  int32,
  meanSquaredError,
  predictor,
  sizeOf,
  type Tensor,
  type Trained,
  type TrainingData,
} from "@ostinato/core";
import { expect } from "vitest";
import golden from "./golden/keras.json" with { type: "json" };

/** A tensor in JSON. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly dtype?: string;
  readonly data: readonly number[];
}

/** A Keras model: its files, data and outputs. */
export interface KerasCase {
  readonly keras: Uint8Array;
  readonly weights: Uint8Array;
  /** Absent for nested models. */
  readonly h5: Uint8Array | undefined;
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: Readonly<Record<string, Numbers>>;
}

const unpacked = (text: string): Uint8Array => new Uint8Array(gunzipSync(Buffer.from(text, "base64")));

export const kerasCases: Readonly<Record<keyof typeof golden.cases, KerasCase>> = Object.fromEntries(
  Object.entries(golden.cases).map(([name, { keras, weights, inputs, outputs, ...rest }]) => {
    const h5 = "h5" in rest ? unpacked(rest.h5) : undefined;
    return [name, { keras: unpacked(keras), weights: unpacked(weights), h5, inputs, outputs }];
  }),
) as never;

/** A tensor of JSON as data of a model. */
export const tensorOf = ({ shape, dtype, data }: Numbers): Tensor =>
  (dtype === "int32" ? int32 : float32)([...shape], [...data]);

/** The data of a case: one tensor, or several by name. */
export function inputsOf({ inputs }: Pick<KerasCase, "inputs">): Inputs {
  const given = Object.entries(inputs).map(([name, numbers]) => [name, tensorOf(numbers)] as const);
  const [[, only] = ["", undefined], ...others] = given;
  return (only && others.length === 0 ? only : Object.fromEntries(given)) as Inputs;
}

/** The number of valid steps of each row; without a list, all steps. */
type Lengths = (steps: number) => readonly number[];

/**
 * Expects a model to give Keras's results at valid steps. After the end of a row, Keras repeats the last output, while outputs here are zero.
 */
export async function expectAsKeras(
  trained: Trained,
  inputs: Inputs,
  outputs: Readonly<Record<string, Numbers>>,
  backend: "cpu" | "wasm",
  lengths?: Lengths,
): Promise<void> {
  const own = await predictor(trained, { backend: backend === "cpu" ? await cpu() : await wasm() });
  const found = await own.predictAll(inputs);
  await own.dispose();
  expect(Object.keys(found).sort()).toEqual(Object.keys(outputs).sort());
  for (const [name, { shape, data }] of Object.entries(outputs)) {
    const tensor = found[name] as Tensor;
    expect(tensor.shape, name).toEqual(shape);
    const [, steps = 1, width = 1] = shape.length === 3 ? shape : [shape[0], 1, sizeOf(shape.slice(1))];
    const counted = shape.length === 3 && lengths ? lengths(steps) : undefined;
    let largest = 0;
    data.forEach((wanted, i) => {
      const [row, step] = [Math.floor(i / (steps * width)), Math.floor(i / width) % steps];
      if (counted && step >= (counted[row] as number)) expect(tensor.data[i]).toBe(0);
      else largest = Math.max(largest, Math.abs(wanted - (tensor.data[i] as number)));
    });
    expect(largest, name).toBeLessThan(1e-5);
  }
}

/** Expects the loss of an imported model to fall by more than a third in a few steps towards a quarter everywhere. */
export async function expectToLearn(
  trained: Trained,
  x: Inputs,
  outputs: Readonly<Record<string, Numbers>>,
): Promise<void> {
  const names = Object.keys(outputs);
  const quarters = names.map((name) => {
    const { shape } = outputs[name] as Numbers;
    return [name, float32([...shape], new Float32Array(sizeOf(shape)).fill(0.25))] as const;
  });
  const isOnly = trained.spec.outputs.length === 1;
  const losses = Object.fromEntries(
    trained.spec.outputs.map(({ name }) => [name, names.includes(name) ? meanSquaredError() : null]),
  );
  await using trainer = await compile(trained, {
    backend: await cpu(),
    loss: isOnly ? meanSquaredError() : losses,
    optimizer: adam({ learningRate: 0.02 }),
  });
  const data = { x, y: isOnly ? quarters[0]?.[1] : Object.fromEntries(quarters) } as TrainingData;
  const { epochs } = await trainer.fit(data, { epochs: 20, batchSize: 3 });
  const [first, last] = [epochs[0], epochs.at(-1)].map((epoch) => epoch?.loss as number) as [number, number];
  expect(last).toBeLessThan(first * 0.67);
}
