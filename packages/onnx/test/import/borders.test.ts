/** Inputs and outputs of imported models: batch first, then time, then features, with valid names. */
import { cpu } from "@ostinato/backend-cpu";
import {
  ConfigError,
  DataError,
  float32,
  graphForm,
  ModelFileError,
  predictor,
  printGraph,
  type Trained,
  UnsupportedOpError,
} from "@ostinato/core";
import { type ImportOptions, importOnnx } from "@ostinato/onnx";
import { describe, expect, test } from "vitest";
import type { Message } from "../../src/file/schema.ts";
import { file, float, input, int64, ints, node, type Parts } from "./files.ts";

const bool = 9;

/** A file that computes the hyperbolic tangent of its input "x". */
const tanh = (dims: Parameters<typeof input>[2], more: Partial<Parts> = {}): Uint8Array =>
  file({ inputs: [input("x", float, dims)], nodes: [node("Tanh", "x", "y")], ...more });

const shapes = ({ spec }: Trained): Record<string, readonly unknown[]> =>
  Object.fromEntries(
    spec.inputs.map(({ name, kind, shape, lengths }) => [name, [kind, ...shape, ...(lengths ? ["lengths"] : [])]]),
  );

const graphOf = (trained: Trained): string =>
  printGraph(graphForm(trained)?.graph as NonNullable<ReturnType<typeof graphForm>>["graph"]);

describe("axes", () => {
  test.each<[what: string, dims: Parameters<typeof input>[2], options: ImportOptions, wanted: unknown[]]>([
    ["names of the file", ["batch", "time", 4], {}, ["sequence", "time", 4]],
    ["other names", ["N", "seq_len", 4], {}, ["sequence", "seq_len", 4]],
    ["a name that is not one here", ["batch", "some time", 4], {}, ["sequence", "time", 4]],
    ["what PyTorch makes up", ["s27", "s31", 4], {}, ["sequence", "time", 4]],
    ["time before the batch, by its name", ["time", "batch", 4], {}, ["sequence", "time", 4]],
    [
      "time before the batch, as is said",
      ["a", "b", 4],
      { inputs: { x: ["time", "batch", 4] } },
      ["sequence", "time", 4],
    ],
    ["time behind features", ["batch", 4, "time"], {}, ["sequence", "time", 4]],
    ["time of an example", ["batch", 7, 4], {}, ["sequence", "time", 4]],
    ["sizes that the file does not say", [undefined, undefined, 4], {}, ["sequence", "time", 4]],
    ["sizes of an example", [1, 7, 4], {}, ["sequence", "time", 4]],
    ["a size of an example that is meant", [1, 7, 4], { inputs: { x: ["batch", 7, 4] } }, ["features", 28]],
    ["features", ["batch", 4], {}, ["features", 4]],
    ["one number a row", ["batch"], {}, ["features", 1]],
    ["several axes of features", ["batch", "time", 2, 3], {}, ["sequence", "time", 6]],
    ["one number a step", ["batch", "time"], { inputs: { x: ["batch", "time"] } }, ["sequence", "time", 1]],
  ])("%s", (_what, dims, options, wanted) => {
    expect(shapes(importOnnx(tanh(dims), options)).x).toEqual(wanted);
  });

  test("layers before the batch become features", () => {
    const bytes = tanh([2, "batch", 3], {
      initializers: [ints("second", 1)],
      nodes: [node("Gather", "x second", "layer"), node("Tanh", "layer", "y")],
    });
    expect(shapes(importOnnx(bytes, { inputs: { x: [2, "batch", 3] } })).x).toEqual(["features", 6]);
  });

  test("what lies otherwise is turned on its way in and out", async () => {
    const trained = importOnnx(tanh(["time", "batch", 2]));
    await using model = await predictor(trained, { backend: await cpu() });
    const x = float32(
      [2, 3, 2],
      Array.from({ length: 12 }, (_, i) => i / 10),
    );
    const y = await model.predict(x);
    expect(y.shape).toEqual([2, 3, 2]);
    expect(y.data[7]).toBeCloseTo(Math.tanh(0.7), 6);
  });

  test("a graph that lies as models here do is left as it is", () => {
    expect(graphOf(importOnnx(tanh(["batch", "time", 2])))).toMatchInlineSnapshot(`
      "%0: float32[batch, time, 2] = feed x
      %1: float32[batch, time, 2] = tanh(%0)
      fetch y = %1"
    `);
  });

  test("a step that is taken by number fixes the size that an example had", () => {
    const bytes = (place: number): Uint8Array =>
      tanh([2, 7, 4], {
        initializers: [ints("place", place)],
        nodes: [node("Gather", "x place", "step", { axis: 1 }), node("Tanh", "step", "y")],
      });
    expect(shapes(importOnnx(bytes(-1))).x).toEqual(["sequence", "time", 4]);
    expect(() => importOnnx(bytes(3))).toThrow(
      /it would be read as features; the node "step" \(Gather\) requires axis 1 of the input "x" to be 7: export it again with dynamic sizes/,
    );
  });

  test("a size that the file says is open, and that a node needs to be a number, is told", () => {
    const bytes = tanh(["batch", "time", 4], {
      initializers: [ints("to", -1, 7, 4)],
      nodes: [node("Reshape", "x to", "y")],
    });
    expect(() => importOnnx(bytes)).toThrow(
      /a size that is dynamic in the file must be fixed; the node "y" \(Reshape\) requires axis 1 \(time\) of the input "x" to be 7/,
    );
  });
});

describe("loops that the exporter unrolled", () => {
  /** The sum of some steps of "x", each taken by a node of its own. */
  const sum = (
    places: readonly number[],
    more: Partial<Parts> = {},
    dims: Parameters<typeof input>[2] = ["batch", "time", 4],
  ) =>
    file({
      inputs: [input("x", float, dims)],
      initializers: places.map((place, i) => ({ ...ints(`place${i}`, place), dims: [] })),
      ...more,
      nodes: [
        ...places.map((_, i) =>
          node("Gather", `${i % 2 ? "x" : "moved"} place${i}`, `step${i}`, { axis: i % 2 ? 1 : 0 }),
        ),
        node("Transpose", "x", "moved", { perm: [1, 0, 2] }),
        ...(more.nodes ?? []),
        node("Sum", places.map((_, i) => `step${i}`).join(" "), "y"),
      ].sort((a, b) => Number(b.op === "Transpose") - Number(a.op === "Transpose")),
    });

  test("are told with the node that takes the last step, and the ways out", () => {
    expect(() => importOnnx(sum([0, 1, 2]))).toThrow(
      new UnsupportedOpError(
        'axis 1 (time) of the input "x" is dynamic in the file but must be 3: the exporter unrolled a loop over it, whose last step is read by the node "step2" (Gather), and further steps would be ignored; export the loop as a loop (PyTorch: a recurrent module of torch.nn, or torch.jit.script), or read 3 steps as features: importOnnx(bytes, { inputs: { "x": ["batch", 3, 4] } }) defines the axes',
      ),
    );
    expect(() => importOnnx(sum([2, 0, 1, 1]))).toThrow(/must be 3: .* read by the node "step0" \(Gather\)/);
    expect(() => importOnnx(sum([0, 1], {}, ["batch", undefined, 4]))).toThrow(/axis 1 of the input "x" .* must be 2/);
    expect(shapes(importOnnx(sum([0, 1, 2]), { inputs: { x: ["batch", 3, 4] } })).x).toEqual(["features", 12]);
  });

  test("are not models that read some steps", () => {
    for (const places of [[0], [-1], [0, -1], [1, 2], [0, 2], [0, 1, -1]])
      expect(shapes(importOnnx(sum(places))).x).toEqual(["sequence", "time", 4]);
    const outputs = [
      ["y", float],
      ["z", float],
    ] as const;
    const nodes = (...each: readonly Message<"Node">[]) => sum([0, 1], { nodes: each, outputs });
    for (const bytes of [nodes(node("ReduceMax", "x", "z", { axes: [1], keepdims: 0 })), nodes(node("Tanh", "x", "z"))])
      expect(shapes(importOnnx(bytes)).x).toEqual(["sequence", "time", 4]);
  });

  test("rows with fewer steps than a model takes are told with the input", async () => {
    await using model = await predictor(importOnnx(sum([1, 4])), { backend: await cpu() });
    await expect(model.predict(float32([1, 4, 4], new Array(16).fill(1)))).rejects.toThrow(
      new DataError('graph "model": input "x", row 0 has 4 steps, but the model needs rows of at least 5'),
    );
    expect((await model.predict(float32([1, 5, 4], new Array(20).fill(1)))).data[0]).toBe(2);
    await using last = await predictor(importOnnx(sum([-3])), { backend: await cpu() });
    await expect(last.predict(float32([1, 2, 4], new Array(8).fill(1)))).rejects.toThrow(
      /row 0 has 2 steps, .* at least 3$/,
    );
  });
});

describe("names", () => {
  test("signs that names do not have here become _, and names that are numbers get a word", () => {
    const inputs = [input("serving_default_x:0", float, ["batch", 2])];
    const nodes = [node("Tanh", "serving_default_x:0", "2"), node("Neg", "2", "1")];
    const { spec } = importOnnx(
      file({
        inputs,
        nodes,
        outputs: [
          ["2", float],
          ["1", float],
        ],
      }),
    );
    expect(spec.inputs.map(({ name }) => name)).toEqual(["serving_default_x_0"]);
    expect(spec.outputs.map(({ name }) => name)).toEqual(["value_2", "value_1"]);
  });

  test("the layer's name begins those of weights", () => {
    const bytes = tanh(["batch", 2], {
      initializers: [{ name: "fc/weight:0", dataType: float, dims: [2, 1], floats: [1, 2] }],
      nodes: [node("MatMul", "x fc/weight:0", "y")],
    });
    expect(Object.keys(importOnnx(bytes).weights)).toEqual(["model/fc/weight:0"]);
    expect(Object.keys(importOnnx(bytes, { name: "base" }).weights)).toEqual(["base/fc/weight:0"]);
  });

  test("whole numbers for each row are the lengths of the one input over time", () => {
    const inputs = [input("x", float, ["batch", "time", 2]), input("sizes", int64, ["batch"])];
    const nodes = [node("ReverseSequence", "x sizes", "y", { batch_axis: 0, time_axis: 1 })];
    const trained = importOnnx(file({ inputs, nodes }));
    expect(shapes(trained)).toEqual({ x: ["sequence", "time", 2, "lengths"] });
    expect(graphOf(trained)).toContain("feed x/lengths");
  });
});

describe("outputs", () => {
  const nodes = [
    node("ArgMax", "x", "best", { axis: -1, keepdims: 0 }),
    node("Softmax", "x", "scores"),
    node("Shape", "x", "shape"),
  ];
  const bytes = file({
    inputs: [input("x", float, ["batch", "time", 3])],
    outputs: [
      ["best", int64],
      ["scores", float],
      ["shape", int64],
    ],
    nodes,
  });

  test("whole numbers become fractions, and an output over time without features gets one", () => {
    const { graph } = graphForm(importOnnx(bytes, { outputs: ["best", "scores"] })) as NonNullable<
      ReturnType<typeof graphForm>
    >;
    expect(Object.entries(graph.fetches).map(([name, { type }]) => [name, type.dtype, ...type.shape])).toEqual([
      ["best", "float32", "batch", "time", 1],
      ["scores", "float32", "batch", "time", 3],
    ]);
  });

  test("one without a batch is refused unless others are asked for", () => {
    expect(() => importOnnx(bytes)).toThrow(
      /the output "shape" is int32\[3\]: it has no batch axis; use importOnnx\(bytes, \{ outputs/,
    );
    expect(() => importOnnx(bytes, { outputs: ["worst"] })).toThrow(
      new ModelFileError('the model has no output "worst"; it has "best", "scores", "shape"'),
    );
  });
});

test("inputs that are weights are given", () => {
  const inputs = [input("x", float, ["batch", 2]), input("w", float, [2, 3])];
  const bytes = file({ inputs, nodes: [node("MatMul", "x w", "y")] });
  const w = float32([2, 3], [1, 2, 3, 4, 5, 6]);
  expect(importOnnx(bytes, { weights: { w } }).weights).toEqual({ "model/w": w });
  expect(() => importOnnx(bytes)).toThrow(/the input "w" is float32\[2, 3\]: it has no batch axis/);
});

describe("what is refused", () => {
  const refused =
    (infos: readonly Message<"ValueInfo">[], options: ImportOptions = {}, nodes = [node("Identity", "x", "y")]) =>
    () =>
      importOnnx(file({ inputs: infos, nodes }), options);

  test("inputs that models here do not have", () => {
    expect(refused([input("x", bool, ["batch", 2])])).toThrow(/boolean inputs are not supported/);
    expect(refused([input("x", 8, ["batch", 2])])).toThrow(
      new UnsupportedOpError(
        'the input "x" has type string, which is not supported; supported types are float32, uint8, int8, uint16, int16, int32, int64, bool, float16, float64, uint32, uint64, bfloat16',
      ),
    );
    expect(refused([input("x", float, ["batch", "rows", "columns", 3])])).toThrow(
      /more than one dynamic size in addition to the batch/,
    );
    expect(refused([input("x", int64, ["batch", 3, 4])])).toThrow(/ids must be \[batch, time\] with a dynamic time/);
    expect(refused([input("x", int64, ["batch"])])).toThrow(/an input \[batch\] must contain the row lengths/);
    expect(refused([{ name: "x" }])).toThrow(/the input "x" is not a tensor/);
    expect(refused([{ name: "x", type: { tensor: { elementType: float } } }])).toThrow(/the input "x" has no shape/);
  });

  test("axes are asked for where saying them helps", () => {
    expect(refused([input("x", bool, ["batch", 2])])).toThrow(/not supported$/);
    expect(refused([input("x", int64, ["batch", 7])], { inputs: { x: ["batch", 7] } })).toThrow(
      /dynamic time; importOnnx\(bytes, \{ inputs: \{ "x": \["batch", "time"\] \} \}\) defines the axes$/,
    );
    const frozen = file({
      inputs: [input("x", int64, ["batch", 7])],
      initializers: [ints("fourth", 3)],
      nodes: [node("Gather", "x fourth", "step", { axis: 1 }), node("Cast", "step", "y", { to: float })],
    });
    expect(() => importOnnx(frozen)).toThrow(
      /requires axis 1 of the input "x" to be 7: export it again [^;]*; [^;]*None\)$/,
    );
  });

  test("options that cannot work", () => {
    const infos = [input("x", float, ["batch", 2])];
    expect(refused(infos, { inputs: { x: ["batch"] } })).toThrow(
      new ConfigError('importOnnx: the input "x" has 2 axes, but inputs lists 1'),
    );
    expect(refused(infos, { inputs: { x: ["batch", 3] } })).toThrow(
      new ConfigError('importOnnx: axis 1 of the input "x" has size 2, not 3'),
    );
    expect(refused(infos, { input: {} } as ImportOptions)).toThrow(ConfigError);
    for (const name of ["a b", "", 7 as never])
      expect(refused(infos, { name })).toThrow(
        new ConfigError('importOnnx: name must be up to 200 letters, digits, "_", "-" and "."'),
      );
  });
});
