/** Layers over time and `layerNormalization` against what Keras computes: outputs, and gradients of inputs and weights. */
import { evaluate } from "@ostinato/conformance";
import {
  type AnyLayer,
  dense,
  feed,
  float64,
  globalAveragePooling1d,
  globalMaxPooling1d,
  gradients,
  inferenceGraph,
  input,
  int32,
  layerNormalization,
  masking,
  nodesOf,
  repeatVector,
  rootsOf,
  sequential,
  type Tensor,
  timeDistributed,
  type Value,
} from "@ostinato/core";
import { expect, test } from "vitest";
import keras from "../src/golden/keras-layers.json" with { type: "json" };

const layers: Readonly<Record<string, readonly AnyLayer[]>> = {
  "layerNormalization of a sequence": [layerNormalization()],
  "layerNormalization of features": [layerNormalization({ epsilon: 0.25 })],
  "layerNormalization of equal elements": [layerNormalization()],
  "layerNormalization without center": [layerNormalization({ center: false })],
  "layerNormalization without scale": [layerNormalization({ scale: false })],
  timeDistributed: [timeDistributed(dense({ units: 2, activation: "tanh" }))],
  repeatVector: [repeatVector({ n: 3 })],
  globalMaxPooling1d: [globalMaxPooling1d()],
  globalAveragePooling1d: [globalAveragePooling1d()],
  "globalAveragePooling1d of ragged rows": [globalAveragePooling1d()],
  masking: [masking(), globalAveragePooling1d()],
  "masking of another value": [masking({ maskValue: -1.5 }), globalAveragePooling1d()],
};

type Nested = number | readonly Nested[];

/** A tensor of nested lists. */
function tensorOf(data: Nested): Tensor {
  const shape: number[] = [];
  for (let at = data; typeof at !== "number"; at = at[0]) shape.push(at.length);
  return float64(shape, [data].flat(9) as number[]);
}

function expectNear(actual: Tensor, expected: Nested, what: string): void {
  const { shape, data } = tensorOf(expected);
  expect(actual.shape, what).toEqual(shape);
  data.forEach((value, i) => {
    expect(Math.abs(actual.data[i] - value), `${what}, element ${i}`).toBeLessThanOrEqual(1e-12);
  });
}

test.each(keras.cases.map((one) => [one.name, one] as const))("%s", (name, one) => {
  const [first] = one.x;
  const width = Array.isArray(first[0]) ? first[0].length : first.length;
  const start = Array.isArray(first[0])
    ? input({ shape: ["time", width], lengths: "lengths" in one })
    : input({ shape: [width] });
  const graph = inferenceGraph(sequential([start, ...layers[name]] as readonly AnyLayer[]).spec);
  const { output: y } = graph.fetches;
  const inputs = Object.fromEntries(
    nodesOf(rootsOf(graph)).flatMap((node): [string, Value][] =>
      node.op === "input" && node.outputs[0].dtype === "float32"
        ? [[node.attrs.name.split("/").at(-1) as string, { node, output: 0, type: node.outputs[0] }]]
        : [],
    ),
  );
  const wanted = { input: one.dx, ...one.gradients } as Readonly<Record<string, Nested>>;
  expect(Object.keys(inputs).sort()).toEqual(Object.keys(wanted).sort());
  const names = Object.keys(wanted);
  const taken = gradients(
    [{ value: y, cotangent: feed("cotangent", "float32", y.type.shape) }],
    names.map((input) => inputs[input]),
  );
  const fetches = { y, ...Object.fromEntries(names.map((input, i) => [`gradient of ${input}`, taken[i]])) };
  const feeds = {
    input: tensorOf(one.x),
    cotangent: tensorOf(one.cotangent),
    ...("lengths" in one ? { "input/lengths": int32([one.lengths.length], one.lengths) } : {}),
  };
  const state = Object.fromEntries(
    names
      .filter((input) => input !== "input")
      .map((weight) => [
        (inputs[weight].node.attrs as { name: string }).name,
        tensorOf((one.weights as Readonly<Record<string, Nested>>)[weight]),
      ]),
  );
  const given = evaluate({ fetches, updates: [] }, feeds, state).fetches;
  expectNear(given.y, one.y, "y");
  for (const input of names) expectNear(given[`gradient of ${input}`], wanted[input], `the gradient of ${input}`);
});
