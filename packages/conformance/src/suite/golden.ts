/** Golden cases: what PyTorch, Keras and TensorFlow compute. Each JSON file names the script that made it, and the version of what it ran. */
import type { Backend, Tensors } from "@ostinato/core";
import { attentionCases } from "./attention.ts";
import { crossentropyCases } from "./crossentropy.ts";
import { ctcCases } from "./ctc.ts";
import type { GoldenCase } from "./goldenCase.ts";
import { decoderCases } from "./recurrent/decoder.ts";
import { kerasCases } from "./recurrent/keras.ts";
import { pytorchCases } from "./recurrent/pytorch.ts";
import { treeCases } from "./recurrent/trees.ts";
import { sampledSoftmaxCases } from "./sampledSoftmax.ts";
import {
  expectClose,
  forwardTolerance,
  gradientTolerance,
  graphOf,
  type SuiteTest,
  type Tolerance,
  withExecutable,
} from "./suiteTest.ts";

/** Every golden case as a graph. */
export function goldenCases(): GoldenCase[] {
  return [
    ...pytorchCases(),
    ...kerasCases(),
    ...attentionCases(),
    ...decoderCases(),
    ...ctcCases(),
    ...crossentropyCases(),
    ...sampledSoftmaxCases(),
    ...treeCases(),
  ];
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
    withExecutable(backend, { graph: graphOf(golden), capacities: golden.capacities ?? {} }, async (executable) => {
      expectGolden(await executable.run(golden.feeds), golden);
    }),
}));
