/** ONNX's own node tests for LSTM, GRU and RNN, which lie beside the project where the data for tests is; not part of it. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { evaluateValues, expectClose } from "@ostinato/conformance";
import {
  factsOf,
  feed,
  float64,
  type RecurrenceInputs,
  type RecurrenceName,
  recurrence,
  recurrenceNames,
  reshape,
  type Tensor,
  type Tensors,
  transpose,
} from "@ostinato/core";
import { expect, test } from "vitest";
import { readNodeTest } from "./onnxNodeTests.ts";

const folder = join(import.meta.dirname, "../../../../shared/data/onnx-node-tests");
const present = existsSync(folder);
if (!present) console.info(`skipped: ONNX's node tests for recurrences, since ${folder} is not there`);

/** The tests of each operator, and the outputs that they have. In the batchwise ones the layout is 1: batch first. */
const cases: { readonly [R in RecurrenceName]?: Readonly<Record<string, readonly string[]>> } = {
  lstm: {
    test_lstm_defaults: ["Y_h"],
    test_lstm_with_initial_bias: ["Y_h"],
    test_lstm_with_peepholes: ["Y_h"],
    test_lstm_batchwise: ["Y", "Y_h"],
  },
  gru: {
    test_gru_defaults: ["Y_h"],
    test_gru_with_initial_bias: ["Y_h"],
    test_gru_seq_length: ["Y_h"],
    test_gru_batchwise: ["Y", "Y_h"],
  },
  rnn: {
    test_simple_rnn_defaults: ["Y_h"],
    test_simple_rnn_with_initial_bias: ["Y_h"],
    test_rnn_seq_length: ["Y_h"],
    test_simple_rnn_batchwise: ["Y", "Y_h"],
  },
};

/** Without the axis of directions, which is 1 in all cases. */
function oneDirection(tensor: Tensor): Tensor {
  const axis = tensor.shape.indexOf(1);
  return { ...tensor, shape: tensor.shape.toSpliced(axis, 1) };
}

/** ONNX's names of the optional inputs, beside ours. B is Wb and Rb behind each other; Rb is our recurrent bias. */
const optional: Readonly<Record<string, string>> = {
  sequence_lens: "lengths",
  initial_h: "initialH",
  initial_c: "initialC",
};

for (const [name, folderName, expected] of recurrenceNames.flatMap((recurrent) =>
  Object.entries(cases[recurrent] ?? {}).map(([test, outputs]) => [recurrent, test, outputs] as const),
)) {
  test.skipIf(!present)(folderName, () => {
    const { op, attributes, inputs, outputs, tensors } = readNodeTest(join(folder, folderName));
    const { operator, gates } = factsOf(name);
    expect(op).toBe(operator);
    const batchFirst = attributes.layout === 1;
    const hidden = attributes.hidden_size as number;
    expect(Object.keys(attributes).filter((key) => key !== "layout" && key !== "hidden_size")).toEqual([]);
    const rows = gates.length * hidden;
    const biases = tensors.B?.data ?? new Float64Array(2 * rows);
    const feeds: Record<string, Tensor> = {
      B: float64([rows], biases.slice(0, rows)),
      recurrentBias: float64([rows], biases.slice(rows)),
    };
    for (const input of inputs.filter((given) => given !== "" && given !== "B")) {
      const tensor = tensors[input];
      const role = optional[input] ?? input;
      const isWeight = ["W", "R", "P"].includes(input);
      if (role === "X" || role === "lengths") feeds[role] = tensor;
      else feeds[role] = isWeight ? { ...tensor, shape: tensor.shape.slice(1) } : oneDirection(tensor);
    }
    const { X, ...roles } = Object.fromEntries(
      Object.entries(feeds).map(([role, { shape }]) => [
        role,
        feed(role, role === "lengths" ? "int32" : "float32", shape),
      ]),
    );
    const given = { X: batchFirst ? transpose(X, [1, 0, 2]) : X, ...roles };
    const { y, h } = recurrence(name, given as unknown as RecurrenceInputs<RecurrenceName>);
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
      expectClose(results[output], tensors[output], `${folderName}: ${output}`, { absolute: 1e-6, relative: 1e-5 });
  });
}

test.skipIf(!present)("every test of a recurrence that lies there is run", () => {
  const there = readdirSync(folder).filter((name) => /lstm|gru|rnn/.test(name));
  expect(recurrenceNames.flatMap((name) => Object.keys(cases[name] ?? {})).sort()).toEqual(there.sort());
});
