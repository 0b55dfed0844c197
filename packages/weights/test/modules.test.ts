/** The parts of models that have weights, with names and shapes. */
import { residual } from "@ostinato/conformance";
import {
  additiveAttention,
  attentionDecoder,
  bidirectional,
  dense,
  dropout,
  gru,
  input,
  lstm,
  model,
  sequential,
  timeDistributed,
} from "@ostinato/core";
import { expect, test } from "vitest";
import { modulesOf } from "../src/modules.ts";

const summed = (of: Parameters<typeof modulesOf>[0]) =>
  modulesOf(of).map(({ path, kind, shapes }) => [path, kind, Object.keys(shapes).join()]);

test("layers without weights are left out, and a layer that is used twice is one part", () => {
  const x = input({ shape: [4] });
  const shared = dense({ units: 4, name: "shared" });
  const network = model(x, shared(dropout({ rate: 0.5 })(shared(x))));
  expect(modulesOf(network)).toMatchObject([{ path: "shared", kind: "dense", shapes: { kernel: [4, 4], bias: [4] } }]);
});

test("layers inside of others are parts by themselves", () => {
  const network = sequential([
    input({ shape: ["time", 2] }),
    bidirectional(gru({ units: 3, returnSequences: true }), {
      backwardLayer: lstm({ units: 2, returnSequences: true, reverse: true }),
    }),
    timeDistributed(dense({ units: 3 })),
  ]);
  expect(summed(network)).toEqual([
    ["bidirectional/forward", "gru", "W,R,B,recurrentBias"],
    ["bidirectional/backward", "lstm", "W,R,B"],
    ["timeDistributed/layer", "dense", "kernel,bias"],
  ]);
});

test("a decoder has its recurrences, its attention and a kernel of its own", () => {
  const [target, memory] = [
    input({ name: "target", shape: ["targetTime", 2] }),
    input({ name: "memory", shape: ["time", 4] }),
  ];
  const decoder = attentionDecoder({
    layers: [gru({ units: 3 }), lstm({ units: 3 })],
    attention: additiveAttention({ units: 3 }),
    attentionUnits: 4,
  });
  expect(summed(model([target, memory], decoder([target, memory])))).toEqual([
    ["attentionDecoder/layer0", "gru", "W,R,B,recurrentBias"],
    ["attentionDecoder/layer1", "lstm", "W,R,B"],
    ["attentionDecoder/attention", "additiveAttention", "queryKernel,keyKernel,scale"],
    ["attentionDecoder", "attentionDecoder", "kernel"],
  ]);
});

test("what is inside of a layer of one's own is not known: its weights are its own", () => {
  const network = sequential([input({ shape: [4] }), residual({ layer: dense({ units: 4 }) })]);
  expect(summed(network)).toEqual([["residual", "residual", "layer/kernel,layer/bias"]]);
});
