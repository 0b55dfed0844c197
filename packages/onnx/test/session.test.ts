/** Models in onnxruntime: what is refused before the native code sees it, and the life of a session. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import {
  ConfigError,
  DataError,
  DTypeError,
  float32,
  int32,
  ModelFileError,
  ShapeError,
  StateError,
} from "@ostinato/core";
import { graphToOnnx, printOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elementTypes, type Message } from "../src/file/schema.ts";
import { encodeOnnx } from "../src/file/wire.ts";
import { explain, loadModule } from "../src/node/runtime.ts";
import { damageSessions } from "./damagedSessions.ts";
import { file, float, input, node } from "./import/files.ts";
import { raggedIds, randomFloats, recurrent, sentiment } from "./models.ts";

const { graph, state } = sentiment({ words: 20, units: 4 });
const bytes = graphToOnnx(graph, state);

test("a session tells what its model takes and gives", async () => {
  const session = await openSession(bytes, { threads: 1 });
  expect(session.inputs).toEqual([{ name: "ids", dtype: "int32", shape: ["batch", "time"] }]);
  expect(session.outputs).toEqual([{ name: "positive", dtype: "float32", shape: ["batch", 1] }]);
  await session.dispose();
});

describe("a model from a file", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ostinato-onnx-"));
    await writeFile(join(folder, "model.onnx"), bytes);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    ["path", (file: string) => file],
    ["URL", pathToFileURL],
  ])("by its %s", async (_kind, place) => {
    const session = await openSession(place(join(folder, "model.onnx")), { threads: 1 });
    const { positive } = await session.run({ ids: raggedIds(3, 5, 20, 1) });
    expect(positive?.shape).toEqual([3, 1]);
    await session.dispose();
  });
});

describe("feeds", () => {
  const one = recurrent("lstm", { lengths: true });
  const x = randomFloats([2, 3, 3], 1);

  test.each([
    ["an empty batch, which would end the process", DataError, { ids: int32([0, 4], []) }, /it is empty/],
    ["rows without a step", DataError, { ids: int32([2, 0], []) }, /ids.*int32\[2, 0\]/],
    ["nothing", DataError, {}, /input "ids" must be int32\[batch, time\], and is missing/],
    ["an unknown name", DataError, { words: int32([1, 1], [1]) }, /no input "words"; its inputs are "ids"/],
    ["another type", DTypeError, { ids: float32([1, 1], [1]) }, /must be int32\[batch, time\], got float32\[1, 1\]/],
    ["another rank", ShapeError, { ids: int32([2], [1, 2]) }, /got int32\[2\]/],
    [
      "less data than the shape says",
      ShapeError,
      { ids: { dtype: "int32" as const, shape: [2, 2], data: new Int32Array(3) } },
      /needs 4 elements, the data has 3/,
    ],
  ])("%s is refused", async (_what, error, feeds, message) => {
    const session = await openSession(bytes, { threads: 1 });
    await expect(session.run(feeds)).rejects.toThrow(error);
    await expect(session.run(feeds)).rejects.toThrow(message);
    await session.dispose();
  });

  test("int64, as models made elsewhere have it: int32 goes in and comes out, unless it has no room", async () => {
    const ids = { tensor: { elementType: elementTypes.int64, shape: { dims: [{ name: "batch" }, { name: "time" }] } } };
    const model = encodeOnnx({
      irVersion: 8,
      opsets: [{ domain: "", version: 17 }],
      graph: {
        name: "square",
        nodes: [{ op: "Mul", inputs: ["ids", "ids"], outputs: ["squares"] }],
        inputs: [{ name: "ids", type: ids }],
        outputs: [{ name: "squares", type: ids }],
      },
    });
    const session = await openSession(model, { threads: 1 });
    expect(session.inputs).toEqual([{ name: "ids", dtype: "int64", shape: ["batch", "time"] }]);
    const long = { dtype: "int32" as const, shape: [1, 3], data: Int32Array.of(3, -46_340, 7, 99) };
    expect(await session.run({ ids: long })).toEqual({ squares: int32([1, 3], [9, 2_147_395_600, 49]) });
    await expect(session.run({ ids: int32([1, 1], [46_341]) })).rejects.toThrow(
      new DTypeError('output "squares" contains 2147488281, which does not fit int32'),
    );
    await expect(session.run({ ids: float32([1, 1], [1]) })).rejects.toThrow(
      /input "ids" must be int32\[batch, time\] \(the model has int64\), got float32/,
    );
    await session.dispose();
  });

  test("of data that is longer than its shape the first elements count", async () => {
    const session = await openSession(bytes, { threads: 1 });
    const long = { dtype: "int32" as const, shape: [1, 2], data: Int32Array.of(3, 4, 5, 6) };
    expect(await session.run({ ids: long })).toEqual(await session.run({ ids: int32([1, 2], [3, 4]) }));
    await session.dispose();
  });

  test("sizes that differ between inputs are refused", async () => {
    const session = await openSession(graphToOnnx(one.graph, one.state), { threads: 1 });
    const lengths = int32([3], [1, 2, 3]);
    await expect(session.run({ x, lengths })).rejects.toThrow(/lengths.*batch is 2 in another input/);
    await session.dispose();
  });
});

describe("the life of a session", () => {
  test("runs may overlap, and disposing waits for them", async () => {
    const session = await openSession(bytes, { threads: 1 });
    const runs = [1, 2, 3].map((batch) => session.run({ ids: raggedIds(batch, 9, 20, batch) }));
    const disposed = session.dispose();
    const shapes = (await Promise.all(runs)).map(({ positive }) => positive?.shape);
    expect(shapes).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    await disposed;
  });

  test("after it was disposed of, it does not run", async () => {
    const session = await openSession(bytes, { threads: 1 });
    await session.dispose();
    await session.dispose();
    await expect(session.run({ ids: raggedIds(1, 1, 20, 1) })).rejects.toThrow(StateError);
  });
});

describe("what cannot be opened", () => {
  const branch = (tensor: Message<"Tensor">): Message<"Node"> => ({
    op: "If",
    attributes: [
      { name: "then_branch", graph: { nodes: [{ op: "Constant", attributes: [{ name: "value", tensor }] }] } },
    ],
  });

  test("bytes that are no model", async () => {
    await expect(openSession(bytes.subarray(0, 100))).rejects.toThrow(ModelFileError);
  });

  test.each([
    ["an initializer", (tensor: Message<"Tensor">) => ({ graph: { initializers: [tensor] } })],
    ["an attribute of a node in a body", (tensor: Message<"Tensor">) => ({ graph: { nodes: [branch(tensor)] } })],
    [
      "the indices of sparse weights",
      (indices: Message<"Tensor">) => ({ graph: { sparseInitializers: [{ indices }] } }),
    ],
    ["a function", (tensor: Message<"Tensor">) => ({ graph: {}, functions: [{ nodes: [branch(tensor)] }] })],
  ])("weights in another file, which may be any: %s", async (_where, place) => {
    const tensor = { name: "W", dims: [3], dataType: elementTypes.float32, location: 1 };
    const external = [{ key: "location", value: "../W.data" }];
    for (const one of [
      { ...tensor, external },
      { ...tensor, location: 0, external },
    ]) {
      const model = encodeOnnx({ irVersion: 8, opsets: [{ version: 17 }], ...place(one) });
      const error = await openSession(model).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(ModelFileError);
      expect(String(error)).toContain('the weight "W" is stored in another file, "../W.data", which is not read');
    }
  });

  test("500 damaged files are refused by typed errors, or run", async () => {
    const { refused, read } = await damageSessions(500, 1);
    expect(refused).toBeGreaterThan(250);
    expect(read).toBeGreaterThan(50);
  });

  test("a model that onnxruntime refuses", async () => {
    const opset = bytes.lastIndexOf(17);
    const tooNew = bytes.slice();
    tooNew[opset] = 99;
    await expect(openSession(tooNew)).rejects.toThrow(ModelFileError);
    await expect(openSession(tooNew)).rejects.toThrow(/onnxruntime cannot load this model.*99/);
  });

  test.each(["constructor", "__proto__", "__defineGetter__", "toString"])("an operator called %s", async (op) => {
    const odd = file({ inputs: [input("x", float, ["batch", 2])], nodes: [node(op, "x", "y")] });
    await expect(openSession(odd)).rejects.toThrow(ModelFileError);
  });

  test("a path that leads nowhere is named; what is no path is told", async () => {
    const place = join(tmpdir(), "no-such-model.onnx");
    for (const path of [place, pathToFileURL(place)]) {
      const error = await openSession(path).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(ModelFileError);
      expect((error as Error).message).toMatch(
        /^cannot read the model .*no-such-model\.onnx: the file does not exist$/,
      );
    }
    await expect(openSession(tmpdir())).rejects.toThrow("the path is a folder");
    for (const [given, found] of [
      [undefined, "undefined"],
      [7, "number"],
      [Promise.resolve(bytes), "a promise: await it"],
    ]) {
      const error = await openSession(given as string).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as Error).message).toContain(`got ${String(found)}`);
    }
  });

  test("a number of threads that is none", async () => {
    await expect(openSession(bytes, { threads: 0 })).rejects.toThrow(ConfigError);
  });

  test("without onnxruntime-node, the way out is named", async () => {
    const missing = Object.assign(new Error("Cannot find package 'onnxruntime-node'"), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    await expect(loadModule(() => Promise.reject(missing))).rejects.toThrow(/npm install onnxruntime-node/);
    const broken = new Error("libstdc++.so.6: cannot open shared object file");
    await expect(loadModule(() => Promise.reject(broken))).rejects.toThrow(ConfigError);
    await expect(loadModule(() => Promise.reject(broken))).rejects.toThrow(/does not load here/);
  });
});

describe("arrays of another realm, as a test runner's sandbox makes them", () => {
  const foreign = <T>(code: string, given?: unknown): T => runInNewContext(`(${code})`, { given }) as T;

  test("are the bytes of a model and the data of tensors", async () => {
    const there = foreign<Uint8Array>("Uint8Array.from(given)", [...bytes]);
    expect(there instanceof Uint8Array).toBe(false);
    expect(printOnnx(there)).toBe(printOnnx(bytes));
    const ids = int32([2, 3], [1, 2, 3, 4, 5, 0]);
    const both = [];
    for (const [model, data] of [
      [bytes, ids.data],
      [there, foreign<Int32Array>("Int32Array.of(1, 2, 3, 4, 5, 0, 7)")],
    ] as const) {
      const session = await openSession(model, { threads: 1 });
      both.push(await session.run({ ids: { ...ids, data } }));
      await session.dispose();
    }
    expect(both[1]).toEqual(both[0]);
    const one = recurrent("lstm", {});
    const session = await openSession(graphToOnnx(one.graph, one.state), { threads: 1 });
    const x = randomFloats([2, 3, 3], 1);
    const copy = foreign<Float32Array>("Float32Array.from(given)", [...x.data]);
    expect(await session.run({ x: float32(x.shape, copy) })).toEqual(await session.run({ x }));
    await session.dispose();
  });

  test("onnxruntime's refusal of its own results in Jest is told with what to do", async () => {
    const { Tensor } = await loadModule();
    const data = foreign<Float32Array>("Float32Array.of(1)");
    let refusal: unknown;
    try {
      new Tensor("float32", data, [1]);
    } catch (error) {
      refusal = error;
    }
    expect(explain(refusal)).toBeInstanceOf(ConfigError);
    expect(String(explain(refusal))).toContain(
      "Object.assign(this.global, { Float32Array, Int32Array, BigInt64Array })",
    );
    const other = new Error("another");
    expect(explain(other)).toBeUndefined();
  });

  test("a plain list is no data of a tensor", async () => {
    const session = await openSession(bytes, { threads: 1 });
    const list = { dtype: "int32", shape: [1, 2], data: [1, 2] } as never;
    await expect(session.run({ ids: list })).rejects.toThrow('input "ids" must be int32[batch, time], and its data');
    await session.dispose();
  });
});

test("lists in the place of tensors are refused, with how to make one", async () => {
  const session = await openSession(bytes, { threads: 1 });
  for (const ids of [[[1, 2]], 7, "text", null, { shape: [1, 1] }]) {
    const error = await session.run({ ids: ids as never }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toContain('input "ids" must be int32[batch, time]');
  }
  await expect(session.run({ ids: [[1, 2]] as never })).rejects.toThrow("such as int32([2, 3], numbers) makes");
  await session.dispose();
});
