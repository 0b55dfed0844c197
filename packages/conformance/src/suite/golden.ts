/** Golden cases: what PyTorch and Keras compute. Each JSON file names the script that made it, and the version of what it ran. */
import {
  type Backend,
  float64,
  gather,
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
  type Tensors,
  transpose,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import keras from "../golden/keras-classifier.json" with { type: "json" };
import { feedsOf, type GoldenCase, type GoldenTensor, gates, plain, single } from "./goldenCase.ts";
import { pytorchCases } from "./goldenPytorch.ts";
import {
  expectClose,
  forwardTolerance,
  gradientTolerance,
  graphOf,
  type SuiteTest,
  type Tolerance,
  withExecutable,
} from "./suiteTest.ts";

/** Keras keeps weights as [input, output]. */
function transposed({ shape: [rows, columns], data }: GoldenTensor): GoldenTensor {
  const moved = Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
  return { shape: [columns, rows], data: moved };
}

function kerasCase({ ids, labels, weights, h, probabilities, loss }: (typeof keras.cases)[number]): GoldenCase {
  const feeds = {
    ids: int32(ids.shape, ids.data),
    labels: float64([labels.length], labels),
    embeddings: plain(weights.embeddings),
    W: gates("lstm", transposed(weights.kernel), "keras"),
    R: gates("lstm", transposed(weights.recurrent_kernel), "keras"),
    B: gates("lstm", weights.bias, "keras"),
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
  return [...pytorchCases(), ...keras.cases.map(kerasCase)];
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
