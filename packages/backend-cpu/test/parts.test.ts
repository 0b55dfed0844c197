/** The parts that other backends over one memory are built of. */
import {
  aligned,
  arenaBackend,
  type Call,
  cotangentOf,
  cpuKernels,
  expectGiven,
  expectIds,
  extent,
  freeStride,
  gradientOf,
  inputSizeOf,
  isRelu,
  keptOf,
  lengthsAt,
  type MoveRows,
  optionOf,
  orderAt,
  PlainMemory,
  positionsBytes,
  rowsBytes,
  sortPositions,
  sortRows,
  strideOf,
  supportingKernels,
  supportsGru,
  supportsLstm,
  supportsRnn,
  treeKernelsBy,
  type View,
} from "@ostinato/backend-cpu";
import {
  bind,
  DataError,
  feed,
  float32,
  int32,
  lower,
  type RecurrenceAttrs,
  treeRecur,
  type Value,
} from "@ostinato/core";
import { add, scatterAdd } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const viewOf = (dims: number[], offset = 0): View => ({
  dtype: "int32",
  shape: dims,
  offset,
  stride: 1,
  dims,
  size: dims.reduce((a, b) => a * b, 1),
  followers: [],
});

const attrs: RecurrenceAttrs<"lstm"> = {
  hiddenSize: 2,
  direction: "forward",
  activations: ["Sigmoid", "Tanh", "Tanh"],
  inputForget: false,
  options: [],
};

test("aligned rounds bytes up to a line of 64", () => {
  expect([0, 1, 64, 65].map(aligned)).toEqual([0, 64, 64, 128]);
});

test("extent and strides of groups of axes", () => {
  const view = viewOf([2, 3, 5]);
  expect([extent(view, [0, 2]), extent(view, [])]).toEqual([10, 1]);
  expect([strideOf(view, [0]), strideOf(view, [1]), strideOf(view, [2]), strideOf(view, [])]).toEqual([15, 5, 1, 1]);
  expect([freeStride(view, [2], []), freeStride(view, [1], []), freeStride(view, [2], [1])]).toEqual([5, 1, 15]);
});

describe("ids", () => {
  const memory = new PlainMemory();
  const ids = viewOf([5]);
  memory.reserve(64 + positionsBytes(5, 4));
  memory.scratch = 64;
  memory.i32.set([3, 0, 3, 1, 0]);

  test("expectIds lets in the rows of the table alone", () => {
    expectIds("gather", memory, ids, 4);
    expect(() => expectIds("gather", memory, ids, 3)).toThrow(DataError);
    expect(() => expectIds("gather", memory, ids, 3)).toThrow("gather: id 3 is outside of a table of 3 rows");
  });

  test("sortPositions keeps the order of equal ids", () => {
    const at = sortPositions(memory, ids, 4);
    expect([...memory.i32.subarray(at, at + 5)]).toEqual([1, 4, 3, 0, 2]);
    expect([...memory.i32.subarray(16, 20)]).toEqual([2, 3, 3, 5]);
  });
});

describe("rows of a recurrence", () => {
  const memory = new PlainMemory();
  memory.reserve(64 + rowsBytes(7, 4));
  memory.scratch = 64;

  test("are sorted by length, the longest first, equal ones in their order", () => {
    memory.i32.set([2, 7, 0, 7]);
    expect(sortRows("lstm", memory, viewOf([4]), 7, 4)).toBe(16);
    const order = memory.i32.subarray(orderAt(memory), orderAt(memory) + 4);
    const lengths = memory.i32.subarray(lengthsAt(memory, 4), lengthsAt(memory, 4) + 4);
    expect([[...order], [...lengths]]).toEqual([
      [1, 3, 0, 2],
      [7, 7, 2, 0],
    ]);
    memory.i32[0] = 8;
    expect(() => sortRows("lstm", memory, viewOf([4]), 7, 4)).toThrow(DataError);
  });

  test("without lengths have all steps", () => {
    expect(sortRows("lstm", memory, undefined, 7, 4)).toBe(28);
  });

  test("optionOf finds optional inputs by name, behind the four that are always there", () => {
    const inputs = [1, 2, 3, 4, 5, 6].map((size) => viewOf([size]));
    const options = ["lengths", "initialC"] as const;
    const call: Call<"lstm"> = {
      op: "lstm",
      attrs: { ...attrs, options },
      inputs,
      outputs: [],
      sizes: {},
      walk: { rank: 0, dims: [], from: [], to: [] },
    };
    expect(optionOf(call, "initialC")).toBe(inputs[5]);
    expect(optionOf(call, "initialH")).toBeUndefined();
  });

  test("ids have no features, and must be rows of W", () => {
    const ids = viewOf([2, 2]);
    expect(inputSizeOf(ids)).toBe(0);
    expect(inputSizeOf({ ...viewOf([2, 2, 7]), dtype: "float32" })).toBe(7);
    memory.i32.set([0, 4, 2, 5]);
    const given = (rows: number) => () =>
      expectGiven("gru", memory, {
        attrs: { ...attrs, options: [] },
        inputs: [ids, { ...viewOf([rows, 8]), dtype: "float32" }],
        outputs: [],
      });
    expect(given(6)).not.toThrow();
    expect(given(5)).toThrow(new DataError("gru: id 5 is outside of a table of 5 rows (0 to 4)"));
  });

  test("supportsLstm says no where the native kernel computes something else", () => {
    expect(supportsLstm(attrs)).toBe(true);
    expect(supportsLstm({ ...attrs, options: ["lengths", "initialH", "initialC"] })).toBe(true);
    for (const other of [
      { clip: 3 },
      { inputForget: true },
      { options: ["P"] as const },
      { activations: ["Relu", "Tanh", "Tanh"] as const },
    ])
      expect(supportsLstm({ ...attrs, ...other })).toBe(false);
  });

  test("supportsGru takes either place of the reset, and no other activations, clip or mask", () => {
    const gru = { ...attrs, activations: ["Sigmoid", "Tanh"], linearBeforeReset: true, options: [] } as const;
    expect(supportsGru(gru)).toBe(true);
    expect(supportsGru({ ...gru, linearBeforeReset: false })).toBe(true);
    expect(supportsGru({ ...gru, options: ["lengths", "initialH", "recurrentBias"] })).toBe(true);
    for (const other of [
      { clip: 3 },
      { options: ["recurrentMask"] as const },
      { activations: ["Tanh", "Tanh"] as const },
    ])
      expect(supportsGru({ ...gru, ...other })).toBe(false);
  });

  test("supportsRnn takes tanh and relu", () => {
    const rnn = { ...attrs, activations: ["Tanh"], options: ["lengths", "initialH", "recurrentBias"] } as const;
    expect(supportsRnn(rnn)).toBe(true);
    expect(supportsRnn({ ...rnn, activations: ["Relu"] })).toBe(true);
    for (const other of [{ clip: 3 }, { options: ["recurrentMask"] as const }, { activations: ["Sigmoid"] as const }])
      expect(supportsRnn({ ...rnn, ...other })).toBe(false);
    expect([isRelu(rnn), isRelu({ ...rnn, activations: ["Relu"] })]).toEqual([false, true]);
  });

  test("of a gradient op, what is kept follows the inputs, and cotangents come last", () => {
    const views = Array.from({ length: 10 }, (_, i) => viewOf([i + 1]));
    const options = ["lengths", "initialH", "recurrentBias"] as const;
    const call = {
      attrs: { ...attrs, options, cotangents: ["h"] },
      inputs: views,
      outputs: views.slice(0, 6),
    };
    expect([keptOf(call, 0), keptOf(call, 1)]).toEqual([views[7], views[8]]);
    expect([cotangentOf(call, "h"), cotangentOf(call, "y")]).toEqual([views[9], undefined]);
    expect([gradientOf(call, "initialH"), gradientOf(call, "recurrentBias"), gradientOf(call, "lengths")]).toEqual([
      views[4],
      views[5],
      undefined,
    ]);
  });
});

test("supportingKernels are kernels of the CPU backend", () => {
  expect(cpuKernels).toMatchObject(supportingKernels);
});

test("treeKernelsBy moves rows of nodes and of their children, level by level", async () => {
  const moved: string[] = [];
  const moveRows: MoveRows = ({ f32, i32 }, way, table, block, list, count) => {
    moved.push(`${way} ${count}`);
    for (let i = 0; i < count; i++) {
      const row = table.offset + i32[list + i];
      if (way === "take") f32[block.offset + i] = f32[row];
      else f32[row] = f32[block.offset + i];
    }
  };
  const kernels = { ...cpuKernels, ...treeKernelsBy(moveRows) };
  const backend = arenaBackend({ name: "moving", kernels, createMemory: () => new PlainMemory() });
  const given = {
    nodes: int32([3, 2], [0, 0, 0, 1, 0, 2]),
    edges: int32([3, 3], [0, 2, 0, 1, 2, 1, -1, -1, -1]),
    levels: int32([2, 2], [2, 0, 3, 2]),
    x: float32([3, 1], [1, 2, 4]),
  };
  const [sums] = treeRecur({
    tree: {
      nodes: feed("nodes", "int32", [3, 2]),
      edges: feed("edges", "int32", [3, 3]),
      levels: feed("levels", "int32", [2, 2]),
    },
    sequences: [feed("x", "float32", [3, 1])],
    states: [[]],
    body: ({ children: [[below]], slices: [own], parents, level }) => [
      add(own, scatterAdd(parents as Value, below, level)),
    ],
  });
  await using session = await backend.open({});
  const executable = await session.compile(bind(lower({ fetches: { sums }, updates: [] }, backend), {}));
  expect([...(await executable.run(given)).sums.data]).toEqual([1, 2, 7]);
  // The leaves, then the root with its children.
  expect(moved).toEqual(["take 2", "put 2", "take 2", "take 1", "put 1"]);
});

test("arenaBackend runs a table of kernels over a memory of its own, and disposes of it", async () => {
  let disposed = 0;
  class Counted extends PlainMemory {
    async dispose(): Promise<void> {
      disposed += 1;
    }
  }
  const doubled = {
    ...cpuKernels,
    add: {
      run(memory: PlainMemory, { outputs }: Call<"add">): void {
        memory.f32.fill(42, outputs[0].offset, outputs[0].offset + outputs[0].size);
      },
    },
  };
  const backend = arenaBackend({ name: "mine", kernels: doubled, createMemory: () => new Counted() });
  const x = feed("x", "float32", [2]);
  const session = await backend.open({});
  const executable = await session.compile(bind(lower({ fetches: { y: add(x, 1) }, updates: [] }, backend), {}));
  expect([...(await executable.run({ x: float32([2], [1, 2]) })).y.data]).toEqual([42, 42]);
  await session[Symbol.asyncDispose]();
  expect(disposed).toBe(1);
});
