/** Models and feeds that must not reach onnxruntime, because they abort the process or are silently accepted. */
import { minGru } from "@ostinato/cells";
import { float32, input, int32, rnn, sequential, type Tensors } from "@ostinato/core";
import { exportOnnx, graphToOnnx } from "@ostinato/onnx";
import { file, float, floats, input as inputOf, int64, node, int32 as ofInt32 } from "./import/files.ts";
import { forest, recurrent, sentiment, trainedOf, trees } from "./models.ts";

export interface GuardCase {
  readonly what: string;
  readonly model: Uint8Array;
  /** Valid feeds. */
  readonly good: Tensors;
  /** Invalid feeds, each with the name and message of the error. */
  readonly bad: readonly (readonly [feeds: Tensors, name: string, message: string])[];
}

/** A table with five rows of the numbers 0, 1, 2 … */
const table = floats("table", [5, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

const ids = (batch: number, time: number, ...data: number[]): Tensors => ({ ids: int32([batch, time], data) });
const nothing = "must be int32[batch, time], got int32[0, 3]: it is empty";
const { graph, state } = sentiment({ words: 5, units: 4 });
const oneDirection = recurrent("lstm", { lengths: true });
const withoutLengths = recurrent("gru", {});
const x = float32([2, 3, 3], new Float32Array(18));
const scan = trainedOf(sequential([input({ shape: ["time", 2], lengths: true }), rnn(minGru({ units: 3 }))]));
const steps = float32([2, 3, 2], new Float32Array(12));

export const guardCases: readonly GuardCase[] = [
  {
    what: "ids of an embedding",
    model: graphToOnnx(graph, state),
    good: ids(2, 3, 1, 4, 3, 2, 1, 0),
    bad: [
      [
        ids(2, 3, 1, 4, 3, 2, 1, -1),
        "DataError",
        'input "ids" must be an id from 0 to 4, the rows of "embedding/embeddings", got -1 at [1, 2]',
      ],
      [
        ids(2, 3, 1, 5, 3, 2, 1, 0),
        "DataError",
        'input "ids" must be an id from 0 to 4, the rows of "embedding/embeddings", got 5 at [0, 1]',
      ],
      [{ ids: int32([0, 3], []) }, "DataError", `input "ids" ${nothing}`],
      [
        { ids: { ...int32([1, 1], [1]), shape: [-1, -1] } },
        "ShapeError",
        'input "ids" must be int32[batch, time], got int32[-1, -1]',
      ],
    ],
  },
  {
    what: "lengths of a recurrence",
    model: graphToOnnx(oneDirection.graph, oneDirection.state),
    good: { x, lengths: int32([2], [0, 3]) },
    bad: [
      [
        { x, lengths: int32([2], [3, 4]) },
        "DataError",
        'input "lengths" must be a length from 0 to 3, the steps of "x", got 4 at [1]',
      ],
      [
        { x, lengths: int32([2], [-1, 3]) },
        "DataError",
        'input "lengths" must be a length from 0 to 3, the steps of "x", got -1 at [0]',
      ],
      [
        { x: float32([0, 3, 3], []), lengths: int32([0], []) },
        "DataError",
        'input "x" must be float32[batch, time, 3], got float32[0, 3, 3]: it is empty',
      ],
      [
        { x: float32([2, 0, 3], []), lengths: int32([2], [0, 0]) },
        "DataError",
        'input "x" must be float32[batch, time, 3], got float32[2, 0, 3]: it is empty',
      ],
    ],
  },
  {
    what: "lengths of a scan, which no operator checks",
    model: exportOnnx(scan),
    good: { input: steps, "input/lengths": int32([2], [0, 3]) },
    bad: [
      [
        { input: steps, "input/lengths": int32([2], [4, 3]) },
        "DataError",
        'input "input/lengths" must be a length from 0 to 3, the steps of "input", got 4 at [0]',
      ],
      [
        { input: float32([2, 0, 2], []), "input/lengths": int32([2], [0, 0]) },
        "DataError",
        'input "input" must be float32[batch, time, 2], got float32[2, 0, 2]: it is empty',
      ],
    ],
  },
  {
    what: "an empty batch of a gru without lengths, which ends the process",
    model: graphToOnnx(withoutLengths.graph, withoutLengths.state),
    good: { x },
    bad: [
      [
        { x: float32([0, 3, 3], []) },
        "DataError",
        'input "x" must be float32[batch, time, 3], got float32[0, 3, 3]: it is empty',
      ],
    ],
  },
  {
    what: "int64 ids of a file of an old version, by way of a cast and another shape, of a table that is an input, too",
    model: file({
      nodes: [
        node("Cast", "tokens", "whole", { to: ofInt32 }),
        node("Flatten", "whole", "flat"),
        node("Gather", "table flat", "y"),
      ],
      inputs: [inputOf("tokens", int64, ["n", -1]), inputOf("table", float, [5, 2])],
      initializers: [table],
      irVersion: 3,
    }),
    good: { tokens: int32([2, 2], [0, 4, 1, 2]) },
    bad: [
      [
        { tokens: int32([2, 2], [0, 4, 1, -2]) },
        "DataError",
        'input "tokens" must be an id from 0 to 4, the rows of "table", got -2 at [1, 1]',
      ],
    ],
  },
  {
    what: "ids that a scan looks up step by step",
    model: file({
      nodes: [
        node("Scan", "ids", "y", {
          num_scan_inputs: 1,
          body: {
            graph: {
              name: "body",
              nodes: [node("Gather", "table id", "row")],
              inputs: [inputOf("id", ofInt32)],
              outputs: [inputOf("row", float)],
            },
          },
        }),
      ],
      inputs: [inputOf("ids", ofInt32, ["time"])],
      initializers: [table],
    }),
    good: { ids: int32([3], [0, 1, 4]) },
    bad: [
      [
        { ids: int32([3], [0, -1, 4]) },
        "DataError",
        'input "ids" must be an id from 0 to 4, the rows of "table", got -1 at [1]',
      ],
      [{ ids: int32([0], []) }, "DataError", 'input "ids" must be int32[time], got int32[0]: it is empty'],
    ],
  },
  {
    what: "whole numbers that are no ids are any; ids that were computed with are onnxruntime's to refuse; an input without a shape has any",
    model: file({
      nodes: [node("Add", "ids ids", "twice"), node("Gather", "table twice", "y")],
      inputs: [inputOf("ids", ofInt32)],
      initializers: [table],
    }),
    good: { ids: int32([1, 1, 2], [2, -1]) },
    bad: [
      [{ ids: int32([1], [3]) }, "DataError", "onnxruntime failed to run the model: "],
      [{ ids: int32([1, 0], []) }, "DataError", 'input "ids" must be int32, got int32[1, 0]: it is empty'],
    ],
  },
  {
    what: "a matrix for a recurrence, in a file that does not tell the input's shape, which ends the process; lengths of computed steps",
    model: file({
      nodes: [
        node("Cast", "x", "cast", { to: float }),
        node("RNN", "cast W R _ lengths", "y", { hidden_size: 1 }),
        node("Neg", "cast", "negative"),
        node("RNN", "negative W R _ lengths", "other", { hidden_size: 1 }),
      ],
      inputs: [inputOf("x", float), inputOf("lengths", ofInt32, ["batch"])],
      initializers: [floats("W", [1, 1, 2], [1, 1]), floats("R", [1, 1, 1], [1])],
    }),
    good: { x: float32([3, 1, 2], [1, 2, 3, 4, 5, 6]), lengths: int32([1], [2]) },
    bad: [
      [
        { x: float32([3, 2], [1, 2, 3, 4, 5, 6]), lengths: int32([1], [2]) },
        "ShapeError",
        'input "x" must have three axes, because a recurrence reads it, got float32[3, 2]',
      ],
      [
        { x: float32([3, 1, 2], [1, 2, 3, 4, 5, 6]), lengths: int32([1], [-1]) },
        "DataError",
        'input "lengths" must be a length from 0 on, got -1 at [0]',
      ],
      [
        { x: float32([3, 1, 2], [1, 2, 3, 4, 5, 6]), lengths: int32([1], [4]) },
        "DataError",
        "onnxruntime failed to run the model: ",
      ],
    ],
  },
  {
    what: "trees, whose indexes reach outside of the rows or contradict each other",
    model: exportOnnx(trees()),
    good: forest(),
    bad: [
      [
        forest({ nodes: [0, 0, 0, 1, 1, 3, 0, 2] }),
        "DataError",
        '"input/nodes", row 2: step 3 of row 1 does not lie within 3 steps of 2 rows',
      ],
      [forest({ nodes: [0, 0, 0, 1, -1, 0, 0, 2] }), "DataError", '"input/nodes", row 2: step 0 of row -1'],
      [
        forest({ edges: [0, 3, 0, 3, 3, 1, -1, -1, -1, -1, -1, -1] }),
        "DataError",
        '"input/edges", row 1: the child 3 is in no level below that of node 3',
      ],
      [
        forest({ edges: [0, 3, 0, 1, 3, 2, -1, -1, -1, -1, -1, -1] }),
        "DataError",
        '"input/edges", row 1: the position 2',
      ],
      [forest({ levels: [3, 0, 5, 2] }), "DataError", '"input/levels", row 1: '],
    ],
  },
];
