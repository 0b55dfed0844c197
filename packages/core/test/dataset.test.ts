/** Data as users hold it: forms that mean the same give the same batches, and what cannot be right is refused by row. */
import {
  binaryCrossentropy,
  embedding,
  float32,
  float64,
  type Inputs,
  input,
  int32,
  type Loss,
  lstm,
  type Model,
  meanSquaredError,
  model,
  type Rows,
  sparseCategoricalCrossentropy,
  type Tensor,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { inOrder } from "../src/train/data/batchOrder.ts";
import { batchWriter } from "../src/train/data/batchWriter.ts";
import { batch, classes, features, masked, ragged, read, single, unmasked } from "./data.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

describe("forms that mean the same give the same batch", () => {
  const same: Readonly<Record<string, readonly [Model, Loss, ...(readonly [Inputs, Rows])[]]>> = {
    ids: [
      masked,
      binaryCrossentropy(),
      [int32([3, 3], [1, 2, 0, 3, 0, 0, 4, 5, 6]), float32([3], [0, 1, 1])],
      [
        [[1, 2], [3], [4, 5, 6]],
        [0, 1, 1],
      ],
      [[Int32Array.of(1, 2), [3, 0], Float64Array.of(4, 5, 6)], Int32Array.of(0, 1, 1)],
      [
        {
          input: [
            [1, 2, 0],
            [3, 0, 0],
            [4, 5, 6],
          ],
        },
        Float32Array.of(0, 1, 1),
      ],
      [{ values: int32([3, 4], [1, 2, 8, 8, 3, 8, 8, 8, 4, 5, 6, 8]), lengths: [2, 1, 3] }, float64([3, 1], [0, 1, 1])],
      [{ values: int32([3, 3], [1, 2, 0, 3, 0, 0, 4, 5, 6]), lengths: Int32Array.of(3, 3, 3) }, [[0], [1], [1]]],
    ],
    features: [
      features,
      binaryCrossentropy(),
      [float32([2, 2], [1, 2, 3, 4]), float32([2, 1], [0, 1])],
      [float64([2, 2], [1, 2, 3, 4]), int32([2], [0, 1])],
      [int32([2, 2], [1, 2, 3, 4]), [0, 1]],
      [
        [
          [1, 2],
          [3, 4],
        ],
        Uint8Array.of(0, 1),
      ],
      [{ x: [Float32Array.of(1, 2), [3, 4]] }, [[0], [1]]],
    ],
    "one feature": [
      single,
      meanSquaredError(),
      [float32([2, 1], [1, 2]), [3, 4]],
      [float32([2], [1, 2]), Float32Array.of(3, 4)],
      [
        [1, 2],
        [[3], [4]],
      ],
      [Float64Array.of(1, 2), float32([2], [3, 4])],
      [[[1], [2]], float32([2, 1], [3, 4])],
    ],
    "ragged sequences and steps of targets": [
      ragged,
      binaryCrossentropy(),
      [
        [
          [
            [1, 2],
            [3, 4],
          ],
          [[5, 6]],
        ],
        [[0, 1], [1]],
      ],
      [
        [[Float32Array.of(1, 2), [3, 4]], [[5, 6]]],
        [[[0], [1]], [[1]]],
      ],
      [{ values: float32([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 7]), lengths: [2, 1] }, float32([2, 2], [0, 1, 1, 0])],
      [
        {
          values: [
            [
              [1, 2],
              [3, 4],
            ],
            [
              [5, 6],
              [7, 7],
            ],
          ],
          lengths: [2, 1],
        } as unknown as Rows,
        float32([2, 3, 1], [0, 1, 0, 1, 0, 0]),
      ],
    ],
    labels: [
      classes,
      sparseCategoricalCrossentropy(),
      [
        [
          [1, 2],
          [3, 4],
        ],
        [2, 0],
      ],
      [
        [
          [1, 2],
          [3, 4],
        ],
        Int32Array.of(2, 0),
      ],
      [
        [
          [1, 2],
          [3, 4],
        ],
        Float32Array.of(2, 0),
      ],
      [
        [
          [1, 2],
          [3, 4],
        ],
        int32([2], [2, 0]),
      ],
    ],
  };
  for (const [name, [network, loss, ...forms]] of Object.entries(same)) {
    test(name, () => {
      const [first, ...others] = forms.map(([x, y]) => batch(read(network, x, y, loss)));
      for (const other of others) expect(withoutPadding(other)).toEqual(withoutPadding(first!));
    });
  }

  /** Past a row's end targets may be anything. */
  function withoutPadding(feeds: ReturnType<typeof batch>): typeof feeds {
    const lengths = feeds["x/lengths"]?.data;
    const target = feeds["output/target"];
    if (!lengths || !target) return feeds;
    const time = target.shape[1] as number;
    const kept = target.data.map((value, i) => (i % time < lengths[Math.floor(i / time)]! ? value : 0));
    return { ...feeds, "output/target": { ...target, data: kept } };
  }
});

describe("batches", () => {
  test("are as long as their longest row, which padding does not count for", () => {
    const dataset = read(masked, [[1, 2, 3, 0, 0], [4], [], [5, 6]]);
    expect(dataset.longest).toEqual({ time: 3 });
    expect(batch(dataset).input).toEqual({ shape: [4, 3], data: [1, 2, 3, 4, 0, 0, 0, 0, 0, 5, 6, 0] });
    expect(batch(dataset, 2, 1).input).toEqual({ shape: [2, 1], data: [4, 0] });
    expect(batch(dataset, 1, 2).input).toEqual({ shape: [1, 1], data: [0] });
  });

  test("keep the steps of models that do not know lengths", () => {
    expect(
      batch(
        read(unmasked, [
          [0, 1, 0],
          [2, 0, 0],
        ]),
      ).input,
    ).toEqual({ shape: [2, 3], data: [0, 1, 0, 2, 0, 0] });
  });

  test("have lengths where the model asks for them", () => {
    const feeds = batch(
      read(ragged, [
        [[1, 2]],
        [],
        [
          [3, 4],
          [5, 6],
        ],
      ]),
    );
    expect(feeds.x).toEqual({ shape: [3, 2, 2], data: [1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 5, 6] });
    expect(feeds["x/lengths"]).toEqual({ shape: [3], data: [1, 0, 2] });
    // A tensor without lengths: all steps count.
    expect(batch(read(ragged, float32([1, 2, 2], [1, 2, 3, 4])))["x/lengths"]).toEqual({ shape: [1], data: [2] });
  });

  test("write over what a longer batch left", () => {
    const dataset = read(masked, [[1, 2, 3], [4, 5, 6], [7], [8, 8]]);
    const writer = batchWriter(dataset, 2);
    writer.write(inOrder(4), 0, 2);
    writer.write(inOrder(4), 2, 2);
    const { shape, data } = writer.feeds.input as Tensor;
    expect([...shape, ...data.slice(0, 4)]).toEqual([2, 2, 7, 0, 8, 8]);
    writer.write(inOrder(4), 3, 1);
    expect([...shape, ...data.slice(0, 2)]).toEqual([1, 2, 8, 8]);
  });

  test("follow an order", () => {
    const dataset = read(single, [10, 11, 12], [0, 1, 2], meanSquaredError(), [1, 2, 3]);
    const writer = batchWriter(dataset, 2);
    writer.write(Int32Array.of(2, 0, 1), 0, 2);
    expect(Array.from(writer.feeds.x!.data)).toEqual([12, 10]);
    expect(Array.from(writer.feeds["output/target"]!.data)).toEqual([2, 0]);
    expect(Array.from(writer.feeds["output/sampleWeights"]!.data)).toEqual([3, 1]);
  });
});

describe("several inputs", () => {
  const [a, b] = [input({ shape: ["time"], name: "a" }), input({ shape: ["steps", 1], name: "b" })];
  const both = model([a, b], {
    first: embedding({ inputDim: 5, outputDim: 1, maskZero: true })(a),
    second: lstm({ units: 1 })(b),
  });

  const sameTime = (() => {
    const [x, y] = [input({ shape: ["time", 1], name: "x" }), input({ shape: ["time"], name: "y" })];
    const ids = embedding({ inputDim: 5, outputDim: 1, maskZero: true })(y);
    return model([x, y], { first: lstm({ units: 1 })(x), second: lstm({ units: 1 })(ids) });
  })();

  test("over one time may be shorter where they have lengths of their own", () => {
    const dataset = read(sameTime, { x: [[[1], [2], [3]]], y: [[1, 2]] });
    expect(batch(dataset).y).toEqual({ shape: [1, 3], data: [1, 2, 0] });
  });

  test("are told by name, each with its own length", () => {
    const dataset = read(both, {
      b: [
        [[1], [2], [3]],
        [[4], [5], [6]],
      ],
      a: [[1], [2, 3]],
    });
    expect(dataset.longest).toEqual({ time: 2, steps: 3 });
    expect(batch(dataset).b!.shape).toEqual([2, 3, 1]);
  });

  const wrong: readonly Misuse[] = [
    ["data without names", () => read(both, [[1], [2]]), "DataError", "2 inputs", "a, b"],
    ["an input without data", () => read(both, { a: [[1]] }), "DataError", '"b"'],
    ["data without an input", () => read(both, { a: [[1]], b: [[[1]]], c: [[1]] }), "DataError", '"c"', "a, b"],
    [
      "different numbers of rows",
      () => read(both, { a: [[1], [2]], b: [[[1]]] }),
      "ShapeError",
      'input "b" has 1 rows',
      'input "a" has 2',
    ],
    [
      "an input without lengths that is shorter than another over the same time",
      () => read(sameTime, { x: [[[1], [2]]], y: [[1, 2, 3]] }),
      "ShapeError",
      'input "x" has 2 steps, input "y", row 0 has 3 over the same time "time"',
      "lengths: true",
    ],
    ["an inherited name", () => read(both, untyped({ a: [[1]], toString: [[1]] })), "DataError", '"toString"'],
  ];
  for (const misuse of wrong) test(misuse[0], () => expectMisuse(misuse));
});

test("batches of an iterable are written to the same arrays, which grow where they must", () => {
  const arrays = new Map();
  const first = batchWriter(read(masked, [[1, 2, 3], [4]], [0, 1]), 2, arrays);
  const second = batchWriter(read(masked, [[5], [6, 7]], [1, 1]), 2, arrays);
  expect(second.feeds.input?.data).toBe(first.feeds.input?.data);
  second.write(inOrder(2), 0, 2);
  expect(second.feeds.input?.shape).toEqual([2, 2]);
  expect([...(second.feeds.input?.data.subarray(0, 4) ?? [])]).toEqual([5, 0, 6, 7]);
  const third = batchWriter(read(masked, [[1, 2, 3, 4]], [1]), 3, arrays);
  expect(third.feeds.input?.data.length).toBe(12);
});
