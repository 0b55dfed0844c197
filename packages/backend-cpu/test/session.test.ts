/** Sessions and executables: one memory that grows, one run at a time, errors before and in the middle of a run. */
import {
  argMax,
  bind,
  bool,
  ConfigError,
  cast,
  constant,
  DataError,
  DTypeError,
  type Executable,
  feed,
  finite,
  float32,
  float64,
  full,
  type Graph,
  gather,
  int32,
  lower,
  max,
  mul,
  recurrence,
  relu,
  reverseSequence,
  type Session,
  ShapeError,
  StateError,
  scatterAdd,
  slice,
  softmax,
  state,
  sum,
  type Tensors,
  type Value,
  zeros,
} from "@ostinato/core";
import { add, maximum } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";
import { cpu } from "../src/index.ts";
import { numbers, run } from "./graphs.ts";

const backend = await cpu();

function compile(session: Session, graph: Graph, capacities: Record<string, number> = {}): Promise<Executable> {
  return session.compile(bind(lower(graph, backend), capacities));
}

const fetch = (fetches: Record<string, Value>): Graph => ({ fetches, updates: [] });

/** total += sum(x), unless that is not finite. */
function accumulate(): Graph {
  const total = sum(feed("x", "float32", ["batch", 3]));
  return {
    fetches: { total },
    updates: [{ name: "total", value: add(state("total", "float32", []), total) }],
    guard: finite(total),
  };
}

const ones = (rows: number, value = 1): Tensors => ({ x: float32([rows, 3], new Float32Array(rows * 3).fill(value)) });

describe("a session", () => {
  test("keeps its state while later programs make the memory grow", async () => {
    await using session = await backend.open({ total: float32([], [5]) });
    const first = await compile(session, accumulate(), { batch: 2 });
    await first.run(ones(2));
    const x = feed("x", "float32", ["batch", 3]);
    const large = await compile(session, fetch({ y: softmax(mul(x, 2)) }), { batch: 50000 });
    const { y } = await large.run(ones(50000));
    expect(y.data.every((p) => Math.abs(p - 1 / 3) < 1e-7)).toBe(true);
    await first.run(ones(1));
    expect((await session.readState()).total).toEqual(float32([], [5 + 6 + 3]));
  });

  test("allows one run at a time, and is free again after it, also after an error", async () => {
    await using session = await backend.open({ total: float32([], [0]) });
    const one = await compile(session, accumulate(), { batch: 2 });
    const two = await compile(session, accumulate(), { batch: 2 });
    const going = one.run(ones(1));
    await expect(two.run(ones(1))).rejects.toThrow(StateError);
    await going;
    await expect(one.run(ones(3))).rejects.toThrow(ShapeError);
    await two.run(ones(1));
    expect((await session.readState(["total"])).total).toEqual(float32([], [6]));
  });

  test("cannot be used after dispose", async () => {
    const session = await backend.open({ total: float32([], [0]) });
    const executable = await compile(session, accumulate(), { batch: 2 });
    await session[Symbol.asyncDispose]();
    await session[Symbol.asyncDispose]();
    await expect(executable.run(ones(1))).rejects.toThrow(StateError);
    await expect(session.readState()).rejects.toThrow(StateError);
    await expect(session.writeState({})).rejects.toThrow(StateError);
    await expect(compile(session, accumulate(), { batch: 2 })).rejects.toThrow(StateError);
  });

  test("takes only the state that it was opened with", async () => {
    await using session = await backend.open({ total: float32([], [0]), flags: bool([2], [1, 0]), n: int32([1], [7]) });
    await expect(session.readState(["sum"])).rejects.toThrow('no state "sum"');
    await expect(session.writeState({ sum: float32([], [1]) })).rejects.toThrow(ConfigError);
    await expect(session.writeState({ n: int32([1], [8]), total: float32([1], [1]) })).rejects.toThrow(ShapeError);
    await expect(session.writeState({ n: float32([1], [1]) })).rejects.toThrow(DTypeError);
    await session.writeState({ total: float64([], [0.1]) });
    expect(await session.readState()).toEqual({
      total: float32([], [0.1]),
      flags: bool([2], [1, 0]),
      n: int32([1], [7]),
    });
    const other = fetch({ y: state("total", "float32", [2]) });
    await expect(compile(session, other)).rejects.toThrow('state "total" is float32[] in this session, got float32[2]');
  });
});

describe("a run", () => {
  test("of fewer rows than before does not see the others", async () => {
    await using session = await backend.open({});
    const x = feed("x", "float32", ["batch", 3]);
    const executable = await compile(session, fetch({ y: mul(x, x), most: max(x, [0]) }), { batch: 7 });
    await executable.run(ones(7, 9));
    const feeds = { x: { ...float32([7, 3], numbers(21)), shape: [2, 3] } };
    const { y, most } = await executable.run(feeds);
    expect([...y.data]).toEqual([...feeds.x.data.slice(0, 6)].map((v) => Math.fround(v * v)));
    expect([...most.data]).toEqual([0, 1, 2].map((d) => Math.max(feeds.x.data[d], feeds.x.data[d + 3])));
  });

  test("writes to the tensors that are given for its results", async () => {
    await using session = await backend.open({});
    const x = feed("x", "float32", ["batch", 3]);
    const executable = await compile(session, fetch({ double: mul(x, 2), hit: cast(x, "bool") }), { batch: 7 });
    const into = { double: zeros("float32", [1, 3]), hit: zeros("bool", [1, 3]) };
    expect(await executable.run(ones(1), into)).toBe(into);
    expect(into).toEqual({ double: float32([1, 3], [2, 2, 2]), hit: bool([1, 3], [1, 1, 1]) });
    const partly = await executable.run(ones(1, 4), { double: into.double });
    expect(partly.double).toBe(into.double);
    expect(partly.hit).not.toBe(into.hit);
    await expect(executable.run(ones(2), into)).rejects.toThrow('result "double" is float32[2, 3]');
    await expect(executable.run(ones(1), { ...into, hit: into.double })).rejects.toThrow(DTypeError);
    expect([...into.double.data]).toEqual([8, 8, 8]);
  });

  test("takes double precision for float32", async () => {
    const x = feed("x", "float32", [2]);
    const { y } = await run({ y: mul(x, 1) }, { feeds: { x: float64([2], [0.1, -1e300]) } });
    expect([...y.data]).toEqual([Math.fround(0.1), Number.NEGATIVE_INFINITY]);
  });

  test("that fails in the middle leaves the state as it was", async () => {
    await using session = await backend.open({ table: float32([3, 2], [1, 2, 3, 4, 5, 6]) });
    const table = state("table", "float32", [3, 2]);
    const update = scatterAdd(feed("ids", "int32", ["n"]), feed("x", "float32", ["n", 2]), 3);
    const graph: Graph = { fetches: {}, updates: [{ name: "table", value: add(table, update) }] };
    const executable = await compile(session, graph, { n: 4 });
    const feeds = (ids: readonly number[]) => ({ ids: int32([ids.length], ids), x: zeros("float32", [ids.length, 2]) });
    await expect(executable.run(feeds([0, 3]))).rejects.toThrow("id 3 is outside of a table of 3 rows");
    await expect(executable.run(feeds([0, -1]))).rejects.toThrow(DataError);
    expect([...(await session.readState()).table.data]).toEqual([1, 2, 3, 4, 5, 6]);
    await executable.run(feeds([2, 0]));
  });
});

describe("data that cannot be", () => {
  const ids = feed("ids", "int32", [2]);
  const table = constant([1, 2, 3, 4, 5, 6], "float32", [3, 2]);
  const X = feed("X", "float32", [2, 2, 1]);

  test.for([[[0, 3]], [[-1, 0]]])("ids %o of a table of 3 rows", async ([given]) => {
    const result = run({ y: gather(table, ids) }, { feeds: { ids: int32([2], given) } });
    await expect(result).rejects.toThrow(DataError);
    await expect(result).rejects.toThrow(/id (3|-1) is outside of a table of 3 rows/);
  });

  test.for([[[0, 3]], [[-1, 0]]])("lengths %o of 2 steps", async ([given]) => {
    const feeds = { ids: int32([2], given), X: zeros("float32", [2, 2, 1]) };
    const { h } = recurrence("lstm", { X, W: full(1, [4, 1]), R: full(1, [4, 1]), B: full(1, [4]), lengths: ids });
    await expect(run({ h }, { feeds })).rejects.toThrow(/lstm: row [01] has length (3|-1), not within 0 to 2 steps/);
    await expect(run({ y: reverseSequence(X, ids) }, { feeds })).rejects.toThrow(DataError);
  });

  test("a range beyond a named size", async () => {
    const x = feed("x", "float32", ["n"]);
    const result = run({ y: slice(x, 0, 1, 2) }, { feeds: { x: float32([2], [1, 2]) }, capacities: { n: 5 } });
    await expect(result).rejects.toThrow("slice: 2 entries from 1 do not lie within 2");
  });
});

test("NaN passes through what chooses", async () => {
  const x = feed("x", "float32", [2, 3]);
  const feeds = { x: float32([2, 3], [1, Number.NaN, 3, 3, 2, 1]) };
  const results = await run({ max: max(x, [1]), at: argMax(x, 1), relu: relu(x), maximum: maximum(x, 2) }, { feeds });
  expect([...results.max.data]).toEqual([Number.NaN, 3]);
  expect([...results.at.data]).toEqual([1, 0]);
  expect([...results.relu.data]).toEqual([1, Number.NaN, 3, 3, 2, 1]);
  expect([...results.maximum.data]).toEqual([2, Number.NaN, 3, 3, 2, 2]);
});
