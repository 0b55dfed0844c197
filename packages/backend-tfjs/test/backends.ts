/** The tfjs backends that the suite is run on, and what they cannot pass. */
import { tfjs } from "@ostinato/backend-tfjs";
import type { BackendUnderTest } from "@ostinato/conformance";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { likeAGpu } from "./programs.ts";

const liveBuffers = (name: string) => (): number => tf.engine().registry[name]?.numDataIds() ?? 0;

/** tfjs-cpu, tfjs-wasm, and the kernels of devices that cannot be read at once. */
export const backends: readonly BackendUnderTest[] = [
  { name: "tfjs-cpu", create: () => tfjs(tf, { backend: "cpu" }), liveBuffers: liveBuffers("cpu") },
  {
    name: "tfjs-wasm",
    create: () => tfjs(tf, { backend: "wasm" }),
    trials: 4,
    liveBuffers: liveBuffers("wasm"),
    skip: [
      {
        reason: "of 0 and -0 tfjs-wasm takes the one that stands first",
        tests: ["signed zeros > maximum", "signed zeros > minimum"],
      },
    ],
  },
  {
    name: "tfjs-cpu without reading at once",
    create: () => likeAGpu("cpu"),
    trials: 2,
    liveBuffers: liveBuffers("cpu"),
    skip: [
      {
        reason: "ids are not read where that waits for the device; this kernel of tfjs-cpu throws an error of its own",
        tests: ["contract > an id out of range is a typed error that leaves the session as it was"],
      },
      {
        reason: "where data cannot be read at once tfjs's own kernel looks for the largest, which puts NaN anywhere",
        tests: ["special numbers > topK"],
      },
      {
        reason:
          "where data cannot be read at once tfjs multiplies whole numbers as floats, and these round from 2^53 on",
        tests: ["whole numbers > mul"],
      },
    ],
  },
];
