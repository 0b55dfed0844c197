/** The default run: the size of the network, and how it is trained. */

import type { CourseOptions } from "./course.ts";
import type { NetworkOptions } from "./network.ts";

/** The network, and the course of its training. */
export const defaults = {
  embedding: 64,
  cell: "lstm",
  units: 160,
  layers: 2,
  decoderUnits: 320,
  decoderLayers: 1,
  attention: "general",
  inputFeeding: false,
  dropout: 0.25,
  labelSmoothing: 0.1,
  epochs: 14,
  batchSize: 128,
  learningRate: 0.002,
  warmup: 500,
  finalRate: 0.01,
  average: 0.1,
  teacherForcing: 1,
  clipnorm: 5,
} as const satisfies Omit<NetworkOptions & CourseOptions, "decayEpochs"> & Readonly<Record<string, unknown>>;

/** The files of an export. */
export const exportedNames = ["encode.onnx", "decodeStep.onnx"] as const;

/** Words of the validation part that are translated after each epoch. */
export const validationSample = 1000;
/** What is shown of them. */
export const shownSamples = 5;
/** Hypotheses that `evaluate` and `predict` keep. */
export const beamSize = 5;
