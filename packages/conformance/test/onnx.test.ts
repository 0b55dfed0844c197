/** ONNX's own node tests for LSTM, which lie beside the project where the data for tests is; not part of it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { evaluateValues, expectClose } from "@ostinato/conformance";
import { feed, float64, recurrence, reshape, type Tensor, type Tensors, transpose, type Value } from "@ostinato/core";
import { expect, test } from "vitest";
import { readNodeTest } from "./onnxNodeTests.ts";

const folder = join(import.meta.dirname, "../../../../shared/data/onnx-node-tests");
const present = existsSync(folder);
if (!present) console.info(`skipped: ONNX's LSTM node tests, since ${folder} is not there`);

const cases = {
  test_lstm_defaults: ["Y_h"],
  test_lstm_with_initial_bias: ["Y_h"],
  test_lstm_with_peepholes: ["Y_h"],
  // layout 1: batch first.
  test_lstm_batchwise: ["Y", "Y_h"],
} as const;

/** Without the axis of directions, which is 1 in all cases. */
function oneDirection(tensor: Tensor): Tensor {
  const axis = tensor.shape.indexOf(1);
  return { ...tensor, shape: tensor.shape.toSpliced(axis, 1) };
}

/** ONNX's bias is Wb and Rb behind each other; ours is their sum. */
function summedBias(bias: Tensor): Tensor {
  const half = bias.data.length / 2;
  return float64(
    [half],
    Array.from({ length: half }, (_, k) => bias.data[k] + bias.data[half + k]),
  );
}

for (const [name, expected] of Object.entries(cases)) {
  test.skipIf(!present)(name, () => {
    const { op, attributes, inputs, outputs, tensors } = readNodeTest(join(folder, name));
    expect(op).toBe("LSTM");
    const batchFirst = attributes.layout === 1;
    const hidden = attributes.hidden_size as number;
    const given = inputs.filter((input) => input !== "");
    const feeds: Record<string, Tensor> = {};
    const roles: Record<string, Value> = {};
    for (const input of given) {
      const tensor = tensors[input];
      const isWeight = ["W", "R", "P"].includes(input);
      if (input === "X" || input === "sequence_lens") feeds[input] = tensor;
      else if (input === "B") feeds[input] = summedBias(tensor);
      else feeds[input] = isWeight ? { ...tensor, shape: tensor.shape.slice(1) } : oneDirection(tensor);
      roles[input] = feed(input, input === "sequence_lens" ? "int32" : "float32", feeds[input].shape);
    }
    const { X, W, R, B, sequence_lens, initial_h, initial_c, P } = roles;
    const { y, h } = recurrence("lstm", {
      X: batchFirst ? transpose(X, [1, 0, 2]) : X,
      ...{ W, R, B: B ?? feed("B", "float32", [4 * hidden]) },
      ...(sequence_lens ? { lengths: sequence_lens } : {}),
      ...(initial_h ? { initialH: initial_h } : {}),
      ...(initial_c ? { initialC: initial_c } : {}),
      ...(P ? { P } : {}),
    });
    feeds.B ??= float64([4 * hidden], new Float64Array(4 * hidden));
    const [time, batch] = batchFirst ? [X.type.shape[1], X.type.shape[0]] : X.type.shape;
    // Y: [time, directions, batch, hidden] or [batch, time, directions, hidden]; Y_h likewise without time.
    const results: Tensors = Object.fromEntries(
      evaluateValues(
        batchFirst
          ? [reshape(transpose(y, [1, 0, 2]), [batch, time, 1, hidden]), reshape(h, [batch, 1, hidden])]
          : [reshape(y, [time, 1, batch, hidden]), reshape(h, [1, batch, hidden])],
        feeds,
      ).map((value, i) => [["Y", "Y_h"][i], value]),
    );
    expect(outputs.filter((output) => output !== "")).toEqual(expected);
    for (const output of expected)
      expectClose(results[output], tensors[output], `${name}: ${output}`, { absolute: 1e-6, relative: 1e-5 });
  });
}
