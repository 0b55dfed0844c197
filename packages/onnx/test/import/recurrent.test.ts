/** Imported ONNX recurrences: ONNX's own tests, and random nodes with all attributes compared with onnxruntime. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import { evaluate, reference } from "@ostinato/conformance";
import {
  bind,
  factsOf,
  feed,
  float32,
  full,
  initialOf,
  int32,
  lowerFor,
  OstinatoError,
  RandomStream,
  type RecurrenceName,
  type RecurrentActivationFunction,
  recurrence,
  recurrenceNames,
  recurrentActivations,
  sizeOf,
  state,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { decodeOnnx, graphFromOnnx, graphToOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import type { Attributes } from "../../src/emit/emission.ts";
import { difference } from "../run.ts";
import { file, float, floats, input, node } from "./files.ts";

const folder = join(import.meta.dirname, "../../../../../shared/data/onnx-node-tests");
const present = existsSync(folder);
if (!present) console.info(`skipped: reading ONNX's node tests for recurrences, since ${folder} is not there`);

/** The tensor in a file of one. */
function tensorIn(path: string): { readonly name: string; readonly tensor: Tensor } {
  const tensor = readFileSync(path);
  const writer = new BinaryWriter().tag(1, WireType.Varint).int64(8).tag(7, WireType.LengthDelimited).fork();
  const model = decodeOnnx(writer.tag(5, WireType.LengthDelimited).bytes(tensor).join().finish());
  const { name = "", dims = [], dataType, rawData = new Uint8Array() } = (model.graph?.initializers ?? [])[0] ?? {};
  const { buffer } = Uint8Array.from(rawData);
  return {
    name,
    tensor: dataType === float ? float32(dims, new Float32Array(buffer)) : int32(dims, new Int32Array(buffer)),
  };
}

const tensorsIn = (data: string, kind: string): { readonly name: string; readonly tensor: Tensor }[] =>
  readdirSync(data)
    .filter((each) => each.startsWith(kind))
    .map((each) => tensorIn(join(data, each)));

test.skipIf(!present)("ONNX's own tests", async () => {
  const backends = [reference(), await cpu(), await wasm({ threads: 1 })];
  const cases = readdirSync(folder);
  expect(cases.length).toBe(12);
  for (const title of cases) {
    const { graph, state } = graphFromOnnx(readFileSync(join(folder, title, "model.onnx")));
    const data = join(folder, title, "test_data_set_0");
    const feeds: Tensors = Object.fromEntries(tensorsIn(data, "input").map(({ name, tensor }) => [name, tensor]));
    const wanted = tensorsIn(data, "output");
    expect(wanted.map(({ name }) => name).sort(), title).toEqual(Object.keys(graph.fetches).sort());
    for (const backend of backends) {
      await using session = await backend.open(state);
      const executable = await session.compile(bind(await lowerFor(graph, backend), {}));
      const given = await executable.run(feeds);
      for (const { name, tensor } of wanted)
        expect(difference(given[name] as Tensor, tensor), `${title}: ${name}, ${backend.name}`).toBeLessThanOrEqual(
          1e-5,
        );
    }
  }
});

/** Draws the parts of one node. */
class Drawing {
  readonly #random: RandomStream;

  constructor(seed: number) {
    this.#random = new RandomStream(seed, "nodes");
  }

  chance = (probability: number): boolean => this.#random.uniform() < probability;
  one = <T>(list: readonly T[]): T => list[this.#random.below(list.length)] as T;
  number = (low: number, high: number): number => Math.fround(low + (high - low) * this.#random.uniform());
  floats = (shape: readonly number[]): Tensor =>
    float32(
      shape,
      Array.from({ length: sizeOf(shape) }, () => this.number(-1, 1)),
    );
}

/** Smooth functions, for which different rounding does not change the branch. */
const drawnActivations = (Object.keys(recurrentActivations) as RecurrentActivationFunction[]).filter(
  (name) => name !== "ThresholdedRelu",
);

/** As in the standard: the functions, then the parameters of those that have some. */
function drawActivations(draw: Drawing, count: number): Attributes {
  if (draw.chance(0.5)) return {};
  const names = Array.from({ length: count }, () => draw.one(drawnActivations));
  const listed = (key: "alpha" | "beta"): { floats: number[] } | undefined => {
    const taken = names.filter((name) => key in recurrentActivations[name]);
    return taken.length > 0 ? { floats: taken.map(() => draw.number(0.1, 0.9)) } : undefined;
  };
  return { activations: names, activation_alpha: listed("alpha"), activation_beta: listed("beta") };
}

interface Drawn {
  readonly attributes: Attributes;
  /** In ONNX's order; omitted inputs are `undefined`. Layout 0. */
  readonly inputs: readonly (readonly [name: string, tensor: Tensor | undefined])[];
  /** Inputs that are initializers. */
  readonly stored: readonly string[];
}

function drawNode(draw: Drawing, name: RecurrenceName): Drawn {
  const { gates, states, peepholes, activations, flags } = factsOf(name);
  const direction = draw.one(["forward", "reverse", "bidirectional"]);
  const count = direction === "bidirectional" ? 2 : 1;
  const [time, batch, size, hidden] = [1, 1, 1, 1].map(() => draw.one([1, 2, 3, 5])) as [
    number,
    number,
    number,
    number,
  ];
  const rows = gates.length * hidden;
  const optional = (tensor: () => Tensor, probability = 0.5): Tensor | undefined =>
    draw.chance(probability) ? tensor() : undefined;
  const lengths = (): Tensor =>
    int32(
      [batch],
      Array.from({ length: batch }, () => 1 + Math.floor(draw.number(0, time - 0.5))),
    );
  const inputs: [string, Tensor | undefined][] = [
    ["X", draw.floats([time, batch, size])],
    ["W", draw.floats([count, rows, size])],
    ["R", draw.floats([count, rows, hidden])],
    ["B", optional(() => draw.floats([count, 2 * rows]), 0.8)],
    ["sequence_lens", optional(lengths)],
    ...states.map((state): [string, Tensor | undefined] => [
      initialOf(state),
      optional(() =>
        draw.chance(0.2)
          ? float32([count, batch, hidden], new Float32Array(count * batch * hidden))
          : draw.floats([count, batch, hidden]),
      ),
    ]),
    ...(peepholes.length > 0
      ? [["P", optional(() => draw.floats([count, peepholes.length * hidden]))] as [string, Tensor | undefined]]
      : []),
  ];
  const snake = (flag: string): string => flag.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return {
    attributes: {
      hidden_size: hidden,
      direction: direction === "forward" && draw.chance(0.5) ? undefined : direction,
      clip: draw.chance(0.3) ? { float: draw.number(0.3, 1.5) } : undefined,
      ...Object.fromEntries(Object.keys(flags).map((flag) => [snake(flag), draw.one([undefined, 0, 1])])),
      ...drawActivations(draw, count * activations.length),
    },
    inputs,
    stored: ["W", "R", "B", "P"].filter(() => draw.chance(0.7)),
  };
}

/** Dynamic sizes have names; in layout 1, the batch comes first. */
function openSizes(role: string, { shape }: Tensor, layout: number): readonly (number | string)[] {
  const [first = 0, , last = 0] = shape;
  if (role === "X") return layout === 0 ? ["time", "batch", last] : ["batch", "time", last];
  if (role === "sequence_lens") return ["batch"];
  if (!role.startsWith("initial")) return shape;
  return layout === 0 ? [first, "batch", last] : ["batch", shape[1] as number, last];
}

const isGiven = (each: readonly [string, Tensor | undefined]): each is readonly [string, Tensor] =>
  each[1] !== undefined;

/** The file of a node. */
function fileOf(name: RecurrenceName, { attributes, inputs, stored }: Drawn, opset: number, layout = 0): Uint8Array {
  const given = inputs.filter(isGiven);
  const names = inputs.map(([role, tensor]) => (tensor ? role : "_")).join(" ");
  const outputs = ["Y", ...factsOf(name).states.map((state) => `Y_${state}`)];
  const int32Type = 6;
  return file({
    opset,
    inputs: given
      .filter(([role]) => !stored.includes(role))
      .map(([role, tensor]) =>
        input(role, role === "sequence_lens" ? int32Type : float, openSizes(role, tensor, layout)),
      ),
    initializers: given
      .filter(([role]) => stored.includes(role))
      .map(([role, { shape, data }]) => floats(role, shape, [...data])),
    nodes: [
      node(factsOf(name).operator as string, names.replace(/( _)+$/, ""), outputs.join(" "), {
        ...attributes,
        ...(layout === 0 ? {} : { layout, hidden_size: undefined }),
      }),
    ],
    outputs: outputs.map((output) => [output, float]),
  });
}

/** With axes `at` and `at` + 1 exchanged. */
function turned({ shape, data }: Tensor, at = 0): Tensor {
  const [m, n] = [shape[at] as number, shape[at + 1] as number];
  const inner = sizeOf(shape.slice(at + 2));
  const made = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const [row, k] = [Math.trunc(i / inner), i % inner];
    const [block, place] = [Math.trunc(row / (m * n)), row % (m * n)];
    made[((block * n + (place % n)) * m + Math.trunc(place / n)) * inner + k] = data[i] as number;
  }
  return float32([...shape.slice(0, at), n, m, ...shape.slice(at + 2)], made);
}

/** Batch first, as the layout 1 has it: [time, directions, batch, units] → [batch, time, directions, units], and states [batch, directions, units]. */
const batchFirst = (tensor: Tensor): Tensor => (tensor.shape.length === 4 ? turned(turned(tensor, 1)) : turned(tensor));

function expectClose(given: Tensors, wanted: Tensors, title: string): void {
  for (const [output, tensor] of Object.entries(wanted))
    expect(difference(given[output] as Tensor, tensor), `${title}: ${output}`).toBeLessThanOrEqual(1e-5);
}

const mapped = (tensors: Tensors, change: (tensor: Tensor, name: string) => Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor, name)]));

test.each(recurrenceNames.filter((name) => factsOf(name).operator))(
  "random nodes of %s in onnxruntime",
  async (name) => {
    for (let seed = 0; seed < 40; seed++) {
      const drawn = drawNode(new Drawing(seed), name);
      const opset = [7, 14, 17, 22][seed % 4] as number;
      const bytes = fileOf(name, drawn, opset);
      const feeds: Tensors = Object.fromEntries(
        drawn.inputs.filter(isGiven).filter(([role]) => !drawn.stored.includes(role)),
      );
      const session = await openSession(bytes, { threads: 1 });
      const wanted = await session.run(feeds);
      await session.dispose();
      const { graph, state, inputs } = graphFromOnnx(bytes);
      expectClose(evaluate(graph, feeds, state).fetches, wanted, `seed ${seed}`);

      const written = graphToOnnx(graph, state, { inputs });
      const again = graphFromOnnx(written);
      expect(graphToOnnx(again.graph, again.state, { inputs }), `seed ${seed}: written again`).toEqual(written);

      // onnxruntime has no layout 1, and wants to be told how many units there are.
      if (opset < 14) continue;
      const other = graphFromOnnx(
        fileOf(
          name,
          {
            ...drawn,
            inputs: drawn.inputs.map(([role, tensor]) => [
              role,
              tensor && /^(X|initial)/.test(role) ? turned(tensor) : tensor,
            ]),
          },
          opset,
          1,
        ),
      );
      const turnedFeeds = mapped(feeds, (tensor, role) => (/^(X|initial)/.test(role) ? turned(tensor) : tensor));
      expectClose(
        evaluate(other.graph, turnedFeeds, other.state).fetches,
        mapped(wanted, batchFirst),
        `seed ${seed}, layout 1`,
      );
    }
  },
);

const W = floats("W", [1, 8, 2], new Array<number>(16).fill(0.1));
const R = floats("R", [1, 8, 2], new Array<number>(16).fill(0.2));

test.each([
  ["R of another size", {}, { R: floats("R", [1, 8, 3], new Array<number>(24).fill(0)) }, /R is \[8, 3\]/],
  [
    "weights of two directions for one",
    {},
    { W: floats("W", [2, 8, 2], new Array<number>(32).fill(0)) },
    /sizes 1 and 2 differ/,
  ],
  ["weights for other features", {}, { W: floats("W", [1, 8, 3], new Array<number>(24).fill(0)) }, /W is \[8, 3\]/],
  ["another number of units", { hidden_size: 3 }, {}, /R has 2 units, but hidden_size is 3/],
  ["a direction that there is not", { direction: "sideways" }, {}, /direction "sideways"/],
  ["a layout that there is not", { layout: 2 }, {}, /layout must be 0 or 1/],
  ["a bound of 0", { clip: { float: 0 } }, {}, /clip must be positive/],
  [
    "an unknown activation",
    { activations: ["Tanh", "Gelu", "Tanh"] },
    {},
    /"Gelu" is not supported; supported are Sigmoid,/,
  ],
  ["too few activations", { activations: ["Tanh"] }, {}, /has 1 activations, and needs 3/],
  [
    "no parameters where there are none by default",
    { activations: ["Affine", "Tanh", "Tanh"] },
    {},
    /Affine has no alpha/,
  ],
  ["an unknown attribute", { output_sequence: 1 }, {}, /"output_sequence" is not supported/],
] as const)("%s is refused", (_, attributes: Attributes, weights, reason) => {
  const bytes = file({
    inputs: [input("X", float, ["time", "batch", 2])],
    initializers: Object.values({ W, R, ...weights }),
    nodes: [node("LSTM", "X W R", "y", attributes)],
  });
  expect(() => graphFromOnnx(bytes)).toThrow(OstinatoError);
  expect(() => graphFromOnnx(bytes)).toThrow(/the node "y" \(LSTM\)/);
  expect(() => graphFromOnnx(bytes)).toThrow(reason);
});

test.each([
  [["a/forward/W", "a/backward/W"], "a/forward+backward/W"],
  [["reader/W", "x/backward/W"], "reader+x/W+backward/+W"],
  [["a", "a/b"], "a/+b"],
  [["w/W", "w/W"], "w/W+w/W"],
])("weights of both directions keep their names: %o", (names, joint) => {
  const weights = Object.fromEntries(names.map((name, i) => [name, float32([4, 2], new Array<number>(8).fill(i + 1))]));
  const X = feed("x", "float32", ["time", "batch", 2]);
  const both = names.map((name, i) =>
    recurrence(
      "rnn",
      { X, W: state(name, "float32", [4, 2]), R: full(0.5, [4, 4]), B: full(0, [4]) },
      { direction: i === 0 ? "forward" : "reverse" },
    ),
  );
  const fetches = Object.fromEntries(both.map(({ y }, i) => [`y${i}`, y]));
  const bytes = graphToOnnx({ fetches, updates: [] }, weights);
  expect((decodeOnnx(bytes).graph?.initializers ?? []).map(({ name }) => name)).toContain(joint);
  const read = graphFromOnnx(bytes);
  expect(read.state).toEqual(weights);
  expect(graphToOnnx(read.graph, read.state, { inputs: read.inputs })).toEqual(bytes);
});
