/** What onnxruntime must never be given: models, and feeds that end its process or that it takes without a word. */
import { minGru } from "@ostinato/cells";
import { float32, input, int32, rnn, sequential, type Tensors } from "@ostinato/core";
import { exportOnnx, graphToOnnx } from "@ostinato/onnx";
import { attributeTypes, elementTypes, type Message } from "../src/file/schema.ts";
import { encodeOnnx } from "../src/file/wire.ts";
import { recurrent, sentiment, trainedOf } from "./models.ts";

export interface GuardCase {
  readonly what: string;
  readonly model: Uint8Array;
  /** What the model takes. */
  readonly good: Tensors;
  /** What it does not, each with the error's name and message. */
  readonly bad: readonly (readonly [feeds: Tensors, name: string, message: string])[];
}

type Dims = readonly (number | string)[];

const signature = (name: string, type: keyof typeof elementTypes, dims?: Dims): Message<"ValueInfo"> => ({
  name,
  type: {
    tensor: {
      elementType: elementTypes[type],
      ...(dims && { shape: { dims: dims.map((dim) => (typeof dim === "number" ? { size: dim } : { name: dim })) } }),
    },
  },
});

const int = (name: string, value: number): Message<"Attribute"> => ({ name, int: value, type: attributeTypes.int });

/** A table of five rows, with 0, 1, 2 … in it. */
const table: Message<"Tensor"> = {
  name: "table",
  dims: [5, 2],
  dataType: elementTypes.float32,
  rawData: new Uint8Array(Float32Array.from({ length: 10 }, (_, i) => i).buffer),
};

/** The file of a graph that another program may have written, which looks up the table. */
function foreignFile(graph: Message<"Graph">, irVersion = 8): Uint8Array {
  return encodeOnnx({
    irVersion,
    opsets: [{ domain: "", version: 12 }],
    graph: { name: "foreign", initializers: [table], outputs: [signature("y", "float32")], ...graph },
  });
}

const ids = (batch: number, time: number, ...data: number[]): Tensors => ({ ids: int32([batch, time], data) });
const nothing = "must be int32[batch, time], got int32[0, 3]: there is nothing in it";
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
        'input "x" must be float32[batch, time, 3], got float32[0, 3, 3]: there is nothing in it',
      ],
      [
        { x: float32([2, 0, 3], []), lengths: int32([2], [0, 0]) },
        "DataError",
        'input "x" must be float32[batch, time, 3], got float32[2, 0, 3]: there is nothing in it',
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
        'input "input" must be float32[batch, time, 2], got float32[2, 0, 2]: there is nothing in it',
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
        'input "x" must be float32[batch, time, 3], got float32[0, 3, 3]: there is nothing in it',
      ],
    ],
  },
  {
    what: "int64 ids of a file of an old version, by way of a cast and another shape, of a table that is an input, too",
    model: foreignFile(
      {
        nodes: [
          { op: "Cast", inputs: ["tokens"], outputs: ["whole"], attributes: [int("to", elementTypes.int32)] },
          { op: "Flatten", inputs: ["whole"], outputs: ["flat"] },
          { op: "Gather", inputs: ["table", "flat"], outputs: ["y"] },
        ],
        inputs: [signature("tokens", "int64", ["n", -1]), signature("table", "float32", [5, 2])],
      },
      3,
    ),
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
    model: foreignFile({
      nodes: [
        {
          op: "Scan",
          inputs: ["ids"],
          outputs: ["y"],
          attributes: [
            int("num_scan_inputs", 1),
            {
              name: "body",
              type: attributeTypes.graph,
              graph: {
                name: "body",
                nodes: [{ op: "Gather", inputs: ["table", "id"], outputs: ["row"] }],
                inputs: [signature("id", "int32")],
                outputs: [signature("row", "float32")],
              },
            },
          ],
        },
      ],
      inputs: [signature("ids", "int32", ["time"])],
    }),
    good: { ids: int32([3], [0, 1, 4]) },
    bad: [
      [
        { ids: int32([3], [0, -1, 4]) },
        "DataError",
        'input "ids" must be an id from 0 to 4, the rows of "table", got -1 at [1]',
      ],
      [{ ids: int32([0], []) }, "DataError", 'input "ids" must be int32[time], got int32[0]: there is nothing in it'],
    ],
  },
  {
    what: "whole numbers that are no ids are any; ids that were computed with are onnxruntime's to refuse; an input without a shape has any",
    model: foreignFile({
      nodes: [
        { op: "Add", inputs: ["ids", "ids"], outputs: ["twice"] },
        { op: "Gather", inputs: ["table", "twice"], outputs: ["y"] },
      ],
      inputs: [signature("ids", "int32")],
    }),
    good: { ids: int32([1, 1, 2], [2, -1]) },
    bad: [
      [{ ids: int32([1], [3]) }, "DataError", "onnxruntime does not run the model on this: "],
      [{ ids: int32([1, 0], []) }, "DataError", 'input "ids" must be int32, got int32[1, 0]: there is nothing in it'],
    ],
  },
];
