/** Golden cases: what PyTorch and Keras compute. Each JSON file names the script that made it, and the version of what it ran. */
import {
  add,
  type Backend,
  feed,
  float32,
  float64,
  gather,
  gradients,
  int32,
  matmul,
  mean,
  mul,
  recurrence,
  reshape,
  sequenceLengths,
  sigmoid,
  softplus,
  sub,
  type Tensor,
  type Tensors,
  toOnnxGates,
  transpose,
  type Value,
} from "@ostinato/core";
import keras from "../golden/keras-classifier.json" with { type: "json" };
import pytorch from "../golden/pytorch-lstm.json" with { type: "json" };
import {
  expectClose,
  forwardTolerance,
  gradientTolerance,
  graphOf,
  type SuiteTest,
  type Tolerance,
  withExecutable,
} from "./suiteTest.ts";

interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const plain = ({ shape, data }: GoldenTensor): Tensor => float64(shape, data);

/** Gates in PyTorch's or Keras's order to ours: [4 * hidden] or [4 * hidden, columns]. Moves positions, so that no digit is lost. */
function gates({ shape, data }: GoldenTensor, from: "pytorch" | "keras"): Tensor {
  const positions = toOnnxGates("lstm", [...data.keys()], shape[0] / 4, shape[1] ?? 1, from);
  return float64(
    shape,
    Array.from(positions, (position) => data[position]),
  );
}

/** Keras keeps weights as [input, output]. */
function transposed({ shape: [rows, columns], data }: GoldenTensor): GoldenTensor {
  const moved = Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
  return { shape: [columns, rows], data: moved };
}

/** What to run, and what must come out. */
export interface GoldenCase {
  readonly name: string;
  readonly fetches: Readonly<Record<string, Value>>;
  readonly feeds: Tensors;
  readonly expected: Tensors;
}

/** As feeds of the graph: shapes known, so that nothing needs a capacity. */
function feedsOf(tensors: Tensors): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape }]) => [
      name,
      feed(name, dtype === "float64" ? "float32" : dtype, shape),
    ]),
  );
}

/** What a backend is fed: all inputs are exact in single precision. */
function single(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      tensor.dtype === "float64" ? float32(tensor.shape, tensor.data) : tensor,
    ]),
  );
}

type PytorchCase = (typeof pytorch.cases)[number];
type PytorchDirection = PytorchCase["directions"][number];

function pytorchCase({ lengths, initialStates, x }: PytorchCase, golden: PytorchDirection, name: string): GoldenCase {
  const { weights, h0, c0, cotangents, outputs } = golden;
  const biases = weights.bias_ih.data.map((bias, i) => bias + weights.bias_hh.data[i]);
  const inputs = {
    X: plain(x),
    W: gates(weights.weight_ih, "pytorch"),
    R: gates(weights.weight_hh, "pytorch"),
    B: gates({ shape: weights.bias_ih.shape, data: biases }, "pytorch"),
    ...(initialStates ? { initialH: plain(h0), initialC: plain(c0) } : {}),
  };
  const feeds = {
    ...inputs,
    lengths: int32([lengths.length], lengths),
    dy: plain(cotangents.y),
    dh: plain(cotangents.h),
    dc: plain(cotangents.c),
  };
  const { X, W, R, B, dy, dh, dc, ...optional } = feedsOf(feeds);
  const direction = golden.direction === "reverse" ? "reverse" : "forward";
  const { y, h, c } = recurrence("lstm", { X, W, R, B, ...optional }, { direction });
  const seeds = [
    { value: y, cotangent: dy },
    { value: h, cotangent: dh },
    { value: c, cotangent: dc },
  ];
  const names = Object.keys(inputs);
  const given = { X, W, R, B, ...optional } as Record<string, Value>;
  const grads = gradients(
    seeds,
    names.map((input) => given[input]),
  );
  const expectedGradients: Record<string, Tensor> = {
    X: plain(golden.gradients.x),
    W: gates(golden.gradients.weight_ih, "pytorch"),
    R: gates(golden.gradients.weight_hh, "pytorch"),
    B: gates(golden.gradients.bias_ih, "pytorch"),
    ...(initialStates ? { initialH: plain(golden.gradients.h0), initialC: plain(golden.gradients.c0) } : {}),
  };
  return {
    name,
    feeds: single(feeds),
    fetches: { y, h, c, ...Object.fromEntries(names.map((input, i) => [`d ${input}`, grads[i]])) },
    expected: {
      ...{ y: plain(outputs.y), h: plain(outputs.h), c: plain(outputs.c) },
      ...Object.fromEntries(names.map((input) => [`d ${input}`, expectedGradients[input]])),
    },
  };
}

function kerasCase({ ids, labels, weights, h, probabilities, loss }: (typeof keras.cases)[number]): GoldenCase {
  const feeds = {
    ids: int32(ids.shape, ids.data),
    labels: float64([labels.length], labels),
    embeddings: plain(weights.embeddings),
    W: gates(transposed(weights.kernel), "keras"),
    R: gates(transposed(weights.recurrent_kernel), "keras"),
    B: gates(weights.bias, "keras"),
    kernel: plain(weights.dense_kernel),
    bias: plain(weights.dense_bias),
  };
  const value = feedsOf(feeds) as { readonly [name in keyof typeof feeds]: Value };
  const words = transpose(value.ids, [1, 0]);
  const { W, R, B } = value;
  const final = recurrence("lstm", { X: gather(value.embeddings, words), W, R, B, lengths: sequenceLengths(words) }).h;
  const logits = reshape(add(matmul(final, value.kernel), value.bias), [labels.length]);
  return {
    name: `keras classifier ${ids.shape.join(" × ")}`,
    feeds: single(feeds),
    fetches: {
      h: final,
      probabilities: sigmoid(logits),
      loss: mean(sub(softplus(logits), mul(value.labels, logits))),
    },
    expected: {
      h: plain(h),
      probabilities: float64([labels.length], probabilities),
      loss: float64([], [loss]),
    },
  };
}

/** Every golden case as a graph. */
export function goldenCases(): GoldenCase[] {
  const fromPytorch = pytorch.cases.flatMap((golden) =>
    golden.directions.map((direction) => {
      const [time, batch, input] = golden.x.shape;
      const sizes = `${time} × ${batch} × ${input} to ${golden.hidden}`;
      const states = golden.initialStates ? ", initial states" : "";
      return pytorchCase(golden, direction, `pytorch lstm ${sizes}, ${direction.direction}${states}`);
    }),
  );
  return [...fromPytorch, ...keras.cases.map(kerasCase)];
}

/** Compares results with a golden case; gradients stand under names that begin with `d `. */
export function expectGolden(
  actual: Tensors,
  { expected, name }: GoldenCase,
  forward: Tolerance = forwardTolerance,
  gradient: Tolerance = gradientTolerance,
): void {
  for (const [output, value] of Object.entries(expected)) {
    expectClose(actual[output], value, `${name}: ${output}`, output.startsWith("d ") ? gradient : forward);
  }
}

export const goldenTests: readonly SuiteTest[] = goldenCases().map((golden) => ({
  name: `golden > ${golden.name}`,
  run: (backend: Backend) =>
    withExecutable(backend, { graph: graphOf(golden) }, async (executable) => {
      expectGolden(await executable.run(golden.feeds), golden);
    }),
}));
