/** What stands beside a row never changes a bit of it. */
import {
  feed,
  float32,
  gradients,
  int32,
  matmul,
  recurrence,
  softmax,
  sum,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { numbers, run } from "./graphs.ts";

const [TIME, BATCH, INPUT, HIDDEN] = [9, 7, 3, 5];
const lengths = [9, 4, 0, 1, 9, 6, 2];
const x = numbers(TIME * BATCH * INPUT, 1);
const weights = {
  W: float32([4 * HIDDEN, INPUT], numbers(4 * HIDDEN * INPUT, 2)),
  R: float32([4 * HIDDEN, HIDDEN], numbers(4 * HIDDEN * HIDDEN, 3)),
  B: float32([4 * HIDDEN], numbers(4 * HIDDEN, 4)),
};

/** Final states of an LSTM, their softmax, and the gradients of their sum. */
function graph(): Record<string, Value> {
  const X = feed("X", "float32", ["time", "batch", INPUT]);
  const W = feed("W", "float32", [4 * HIDDEN, INPUT]);
  const R = feed("R", "float32", [4 * HIDDEN, HIDDEN]);
  const B = feed("B", "float32", [4 * HIDDEN]);
  const { h } = recurrence("lstm", { X, W, R, B, lengths: feed("lengths", "int32", ["batch"]) });
  const probabilities = softmax(matmul(h, feed("kernel", "float32", [HIDDEN, 3])));
  const seed = { value: h, cotangent: feed("dh", "float32", ["batch", HIDDEN]) };
  const [dX, dW, dR, dB] = gradients([seed], [X, W, R, B]) as [Value, Value, Value, Value];
  return { h, probabilities, total: sum(dX, [0]), dW, dR, dB };
}

/** The rows `rows` of the batch, in sequences of `time` steps of which those past a row's length are `beyond`. */
function batch(rows: readonly number[], time = TIME, beyond = 0): Tensors {
  const data = new Float32Array(time * rows.length * INPUT).fill(beyond);
  rows.forEach((row, to) => {
    for (let t = 0; t < Math.min(time, lengths[row]); t++) {
      for (let d = 0; d < INPUT; d++) data[(t * rows.length + to) * INPUT + d] = x[(t * BATCH + row) * INPUT + d];
    }
  });
  const dh = numbers(BATCH * HIDDEN, 6);
  return {
    X: float32([time, rows.length, INPUT], data),
    lengths: int32(
      [rows.length],
      rows.map((row) => lengths[row]),
    ),
    kernel: float32([HIDDEN, 3], numbers(HIDDEN * 3, 5)),
    dh: float32(
      [rows.length, HIDDEN],
      rows.flatMap((row) => [...dh.subarray(row * HIDDEN, (row + 1) * HIDDEN)]),
    ),
    ...weights,
  };
}

const capacities = { time: 20, batch: BATCH };
const rowOf = ({ data, shape }: Tensor, row: number): number[] => {
  const width = data.length / shape[0];
  return [...data.slice(row * width, (row + 1) * width)];
};
const all = Array.from({ length: BATCH }, (_, row) => row);

describe("bits", () => {
  test("of a row are the same in every batch", async () => {
    const whole = await run(graph(), { feeds: batch(all), capacities });
    for (const rows of [[5], [1, 5], [5, 4, 3, 2, 1, 0], [6, 5, 0]]) {
      const part = await run(graph(), { feeds: batch(rows), capacities });
      for (const name of ["h", "probabilities", "total"]) {
        rows.forEach((row, at) => {
          expect(rowOf(part[name], at), `${name} of row ${row} in batch ${rows}`).toEqual(rowOf(whole[name], row));
        });
      }
    }
  });

  test("do not change with padding, whatever it holds", async () => {
    const plain = await run(graph(), { feeds: batch(all), capacities });
    expect(await run(graph(), { feeds: batch(all, 20, Number.NaN), capacities })).toEqual(plain);
  });
});
