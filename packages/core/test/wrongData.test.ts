/** Data that cannot be right is refused before anything runs, with the column, the row, what is wanted and what is there. */
import {
  binaryCrossentropy,
  DataError,
  embedding,
  float32,
  float64,
  input,
  int32,
  meanSquaredError,
  model,
  sparseCategoricalCrossentropy,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { batch, classes, features, masked, ragged, read, sequence, single, tagged, unmasked } from "./data.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const x22 = [
  [1, 2],
  [3, 4],
];
const wrong: readonly Misuse[] = [
  [
    "no x",
    () => read(masked, untyped(undefined)),
    "ShapeError",
    'input "input" must be int32[rows, time]',
    "undefined",
  ],
  ["a string for x", () => read(masked, untyped("a review")), "ShapeError", "int32[rows, time]", "string"],
  ["strings for rows", () => read(masked, untyped(["a review"])), "ShapeError", "row 0"],
  ["no rows", () => read(masked, []), "DataError", 'input "input" has no rows'],
  ["no rows in a tensor", () => read(masked, int32([0, 3], [])), "DataError", "has no rows"],
  ["a flat list of ids", () => read(masked, [1, 2, 3]), "ShapeError", "int32[rows, time]", "flat list"],
  ["a flat typed array of ids", () => read(masked, Int32Array.of(1, 2)), "ShapeError", "flat list"],
  ["ids of rank 3", () => read(masked, int32([1, 1, 1], [1])), "ShapeError", "int32[rows, time]", "int32[1, 1, 1]"],
  [
    "ids that are floats",
    () => read(masked, float32([1, 2], [1, 2])),
    "DTypeError",
    "int32[rows, time]",
    "float32[1, 2]",
  ],
  ["half an id", () => read(masked, [[1], [2, 1.5]]), "DataError", "row 1", "whole number", "1.5"],
  ["NaN for an id", () => read(masked, [[Number.NaN]]), "DataError", "whole number"],
  ["an id that is text", () => read(masked, untyped([["1"]])), "DataError", "whole number"],
  ["an id that does not fit 32 bits", () => read(masked, [[2 ** 32 + 1]]), "DataError", "whole number"],
  [
    "an id outside the vocabulary",
    () => read(masked, [[1], [2, 9]]),
    "DataError",
    'embedding "words"',
    'input "input"',
    "row 1",
    "id 9 at step 1",
    "0 … 8",
    "inputDim: 9",
  ],
  ["a negative id", () => read(unmasked, int32([1, 2], [0, -1])), "DataError", 'embedding "words"', "id -1", "row 0"],
  [
    "padding in front with maskZero",
    () => read(masked, [[1], [0, 0, 5]]),
    "DataError",
    'embedding "words"',
    "row 1 has id 0 at step 0",
    'padding: "post"',
  ],
  ["a hole with maskZero", () => read(masked, int32([1, 3], [1, 0, 2])), "DataError", "id 0 at step 1"],
  [
    "ragged ids without a mask",
    () => read(unmasked, [[1, 2], [3]]),
    "DataError",
    "row 0 has 2 steps, row 1 1",
    "maskZero: true",
  ],
  [
    "lengths without a mask",
    () => read(unmasked, { values: int32([1, 3], [1, 2, 3]), lengths: [2] }),
    "DataError",
    "ragged",
    "row 0 has 2 steps,",
    "maskZero",
  ],
  ["ragged sequences without lengths", () => read(sequence, [[[1, 2]], []]), "DataError", "ragged", "lengths: true"],
  [
    "a length past the end",
    () => read(ragged, { values: float32([1, 1, 2], [1, 2]), lengths: [2] }),
    "DataError",
    'input "x", row 0',
    "length 2",
    "0 to 1",
  ],
  [
    "a negative length",
    () => read(ragged, { values: float32([1, 1, 2], [1, 2]), lengths: [-1] }),
    "DataError",
    "length -1",
  ],
  [
    "half a length",
    () => read(ragged, { values: float32([1, 1, 2], [1, 2]), lengths: [0.5] }),
    "DataError",
    "length 0.5",
  ],
  [
    "lengths of other rows",
    () => read(ragged, { values: float32([1, 1, 2], [1, 2]), lengths: [1, 1] }),
    "ShapeError",
    "2 lengths for 1 rows",
  ],
  ["lengths without values", () => read(ragged, untyped({ lengths: [1] })), "DataError", '"lengths"'],
  [
    "steps of another width",
    () => read(sequence, [[[1, 2], [3]]]),
    "ShapeError",
    "float32[rows, time, 2]",
    "step 1 of row 0",
  ],
  [
    "a sequence of rank 2",
    () => read(sequence, float32([1, 2], [1, 2])),
    "ShapeError",
    "float32[rows, time, 2]",
    "float32[1, 2]",
  ],
  [
    "a sequence of another width",
    () => read(sequence, float32([1, 2, 3], new Float32Array(6))),
    "ShapeError",
    "float32[1, 2, 3]",
  ],
  [
    "rows of another width",
    () =>
      read(features, [
        [1, 2],
        [3, 4, 5],
      ]),
    "ShapeError",
    "float32[rows, 2]",
    "row 1 has 3 numbers",
  ],
  ["features of rank 1", () => read(features, float32([2], [1, 2])), "ShapeError", "float32[rows, 2]", "float32[2]"],
  [
    "NaN in the data",
    () =>
      read(features, [
        [1, 2],
        [3, Number.NaN],
      ]),
    "DataError",
    'input "x", row 1',
    "finite",
    "NaN",
  ],
  [
    "infinity in a tensor",
    () => read(features, float32([2, 2], [1, 2, 3, Number.POSITIVE_INFINITY])),
    "DataError",
    "row 1",
    "Infinity",
  ],
  ["what float32 cannot hold", () => read(features, float64([1, 2], [1, 1e39])), "DataError", "row 0"],
  ["the same in a list", () => read(features, [[1, 1e39]]), "DataError", "row 0"],
  ["NaN among numbers", () => read(single, [1, 2, 3, Number.NaN]), "DataError", "row 3"],
  ["a hole in a list", () => read(single, untyped([1, undefined])), "DataError", "row 1", "undefined"],
  ["a null row", () => read(features, untyped([[1, 2], null])), "ShapeError", "row 1"],
  [
    "a tensor shorter than its shape",
    () => read(features, { dtype: "float32", shape: [3, 2], data: new Float32Array(4) }),
    "ShapeError",
    "[3, 2] needs 6",
    "4",
  ],
  [
    "a tensor of a negative size",
    () => read(features, { dtype: "float32", shape: [-1, 2], data: new Float32Array(4) }),
    "ShapeError",
    "[-1, 2]",
  ],
  [
    "a tensor that lies about its type",
    () => read(masked, untyped({ dtype: "int32", shape: [1, 1], data: Float32Array.of(1.5) })),
    "DTypeError",
    "int32",
    "Float32Array",
  ],
  [
    "a tensor over a plain list",
    () => read(masked, untyped({ dtype: "int32", shape: [1, 1], data: [1] })),
    "DTypeError",
    "Array",
  ],
  [
    "a tensor of an unknown type",
    () => read(masked, untyped({ dtype: "int64", shape: [1, 1], data: BigInt64Array.of(1n) })),
    "DTypeError",
    "int64",
  ],
  [
    "fewer targets than rows",
    () => read(features, x22, [1]),
    "ShapeError",
    'y of "output" has 1 rows',
    'input "x" has 2',
  ],
  ["no targets", () => read(features, x22, []), "ShapeError", "0 rows"],
  [
    "targets of another width",
    () =>
      read(features, x22, [
        [0, 1],
        [1, 0],
      ]),
    "ShapeError",
    "float32[rows, 1]",
    "row 0 has 2 numbers",
  ],
  [
    "targets over time for one output",
    () => read(features, x22, float32([2, 3, 1], new Float32Array(6))),
    "ShapeError",
    "float32[2, 3, 1]",
  ],
  [
    "a target outside 0 … 1",
    () => read(features, x22, [0, 2]),
    "DataError",
    'y of "output", row 1',
    "the target 2",
    "0 … 1",
  ],
  [
    "NaN for a target",
    () => read(single, [1, 2, 3], [1, 2, Number.NaN], meanSquaredError()),
    "DataError",
    "row 2",
    "NaN",
  ],
  [
    "a label outside the classes",
    () => read(classes, x22, [0, 3], sparseCategoricalCrossentropy()),
    "DataError",
    'y of "output", row 1',
    "label 3",
    "3 classes 0 … 2",
  ],
  [
    "a negative label",
    () => read(classes, x22, [-1, 0], sparseCategoricalCrossentropy()),
    "DataError",
    "row 0",
    "label -1",
  ],
  [
    "half a label",
    () => read(classes, x22, [0.5, 0], sparseCategoricalCrossentropy()),
    "DataError",
    "row 0",
    "whole number",
  ],
  [
    "float labels in a tensor",
    () => read(classes, x22, float32([2], [0, 1]), sparseCategoricalCrossentropy()),
    "DTypeError",
    "int32[rows]",
    "float32[2]",
  ],
  [
    "one-hot labels for a sparse loss",
    () =>
      read(
        classes,
        x22,
        [
          [1, 0, 0],
          [0, 1, 0],
        ],
        sparseCategoricalCrossentropy(),
      ),
    "ShapeError",
    "int32[rows]",
  ],
  [
    "targets shorter than their rows",
    () => read(tagged, [[1], [2, 3]], [[0], [1]], sparseCategoricalCrossentropy()),
    "ShapeError",
    "row 1 has 1 steps",
    "has 2",
  ],
  [
    "one target a row for a sequence",
    () => read(tagged, [[1], [2, 3]], [0, 1], sparseCategoricalCrossentropy()),
    "ShapeError",
    "int32[rows, time]",
  ],
  [
    "weights of other rows",
    () => read(features, x22, [0, 1], binaryCrossentropy(), [1]),
    "ShapeError",
    "sampleWeights has 1 rows",
  ],
  [
    "NaN among the weights",
    () => read(features, x22, [0, 1], binaryCrossentropy(), [1, Number.NaN]),
    "DataError",
    "sampleWeights, row 1",
  ],
];

describe("wrong data", () => {
  for (const misuse of wrong) test(misuse[0], () => expectMisuse(misuse));

  test("zeros in front, where only one of two readers masks", () => {
    const words = input({ shape: ["time"] });
    const two = model(words, {
      a: embedding({ inputDim: 5, outputDim: 1, maskZero: true })(words),
      b: embedding({ inputDim: 5, outputDim: 1 })(words),
    });
    expect(() => read(two, [[0, 1]])).toThrow(DataError);
    expect(batch(read(two, [[1, 0]])).input!.shape).toEqual([1, 2]);
  });
});
