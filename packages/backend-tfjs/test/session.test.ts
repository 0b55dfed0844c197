/** What a session holds: the state once, nothing that a run has left, results that are the caller's own. */
import { type TfjsBackend, tfjs } from "@ostinato/backend-tfjs";
import {
  DataError,
  DTypeError,
  feed,
  float32,
  full,
  gather,
  gradients,
  int32,
  mul,
  recurrence,
  ShapeError,
  StateError,
  square,
  state,
  sub,
  sum,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { beforeAll, describe, expect, test } from "vitest";
import { elements, programOf } from "./programs.ts";

const w = state("w", "float32", [2]);
const x = feed("x", "float32", ["batch", 2]);
const initial = { w: float32([2], [1, 2]) };
const addition = { fetches: { before: w }, updates: [{ name: "w", value: add(w, sum(x, [0])) }] };
const feeds = { x: float32([2, 2], [1, 2, 3, 4]) };

describe.each(["cpu", "wasm"] as const)("a session on tfjs-%s", (name) => {
  let backend: TfjsBackend;
  const held = (): number => tf.engine().registry[name]?.numDataIds() ?? 0;

  beforeAll(async () => {
    backend = await tfjs(tf, { backend: name });
  });

  test("keeps the state between runs and gives copies", async () => {
    await using session = await backend.open(initial);
    const { run } = await session.compile(programOf(backend, addition));
    const first = await run(feeds);
    expect(elements(first, "before")).toEqual([1, 2]);
    const read = await session.readState();
    expect(elements(read, "w")).toEqual([5, 8]);
    first.before?.data.fill(0);
    read.w?.data.fill(0);
    feeds.x.data.fill(0);
    expect(elements(await run(feeds), "before")).toEqual([5, 8]);
    expect(elements(initial, "w")).toEqual([1, 2]);
    feeds.x.data.set([1, 2, 3, 4]);
  });

  test("writes results where it is told, in sizes that change from run to run", async () => {
    await using session = await backend.open({});
    const { run } = await session.compile(programOf(backend, { fetches: { y: mul(x, 2) } }));
    const into = { y: float32([4, 2], new Float32Array(8)) };
    const { y } = await run(feeds, into);
    expect(y?.data).toBe(into.y.data);
    expect(y?.shape).toEqual([2, 2]);
    expect([...into.y.data]).toEqual([2, 4, 6, 8, 0, 0, 0, 0]);
    const one = { x: float32([1, 2], [5, 6]) };
    expect(elements(await run(one), "y")).toEqual([10, 12]);
    await expect(run(feeds, { y: float32([3], [0, 0, 0]) })).rejects.toThrow(ShapeError);
    await expect(run(one, { y: int32([2], [0, 0]) })).rejects.toThrow(DTypeError);
  });

  test("runs one program at a time, and none once disposed", async () => {
    const session = await backend.open(initial);
    const { run } = await session.compile(programOf(backend, addition));
    const calls = [run(feeds), run(feeds), session.readState(), session.writeState(initial)];
    const [running, ...others] = await Promise.allSettled(calls);
    expect(running?.status).toBe("fulfilled");
    for (const other of others) expect(other).toMatchObject({ status: "rejected", reason: expect.any(StateError) });
    const last = run(feeds);
    await session[Symbol.asyncDispose]();
    expect(elements(await last, "before")).toEqual([5, 8]);
    await expect(run(feeds)).rejects.toThrow("disposed");
    expect(session.liveTensors()).toBe(0);
  });

  test("refuses state of other names, types and shapes", async () => {
    await using session = await backend.open(initial);
    await expect(session.writeState({ w: float32([3], [1, 2, 3]) })).rejects.toThrow(
      'state "w" is float32[2], not float32[3]',
    );
    await expect(session.writeState({ w: int32([2], [1, 2]) })).rejects.toThrow(ShapeError);
    await expect(session.readState(["v"])).rejects.toThrow('no state "v"');
    const other = { fetches: { w: state("w", "float32", [3]) } };
    await expect(session.compile(programOf(backend, other))).rejects.toThrow(
      'state "w" is float32[2], the program has float32[3]',
    );
  });

  test("names an id that is not in the table, and stays as it was", async () => {
    const ids = feed("ids", "int32", ["batch"]);
    const table = state("table", "float32", [3, 2]);
    const rows = gather(table, ids);
    const [grad] = gradients([{ value: sum(square(rows)), cotangent: full(1, []) }], [table]);
    await using session = await backend.open({ table: float32([3, 2], [1, 2, 3, 4, 5, 6]) });
    const updates = [{ name: "table", value: sub(table, grad ?? table) }];
    const { run } = await session.compile(programOf(backend, { fetches: { rows }, updates }));
    const [before, live] = [held(), session.liveTensors()];
    for (const wrong of [3, -1]) {
      const failing = run({ ids: int32([2], [0, wrong]) });
      await expect(failing).rejects.toThrow(DataError);
      await expect(failing).rejects.toThrow(`gather: id ${wrong} at position 1 is not one of 0 … 2`);
    }
    expect([held(), session.liveTensors()]).toEqual([before, live]);
    await run({ ids: int32([3], [1, 1, 0]) });
    expect(elements(await session.readState(), "table")).toEqual([-1, -2, -9, -12, 5, 6]);
  });

  test("holds no more after 100 training steps than after one, and nothing in the end", async () => {
    const W = state("W", "float32", [16, 3]);
    const R = state("R", "float32", [16, 4]);
    const B = state("B", "float32", [16]);
    const sequence = feed("sequence", "float32", ["time", "batch", 3]);
    const lengths = feed("lengths", "int32", ["batch"]);
    const { h } = recurrence("lstm", { X: sequence, W, R, B, lengths });
    const loss = sum(square(h));
    const parameters = { W, R, B };
    const grads = gradients([{ value: loss, cotangent: full(1, []) }], Object.values(parameters));
    const updates = Object.entries(parameters).map(([name, value], i) => ({
      name,
      value: sub(value, mul(grads[i] ?? value, 0.1)),
    }));
    const before = held();
    const session = await backend.open({
      W: float32(
        [16, 3],
        Float32Array.from({ length: 48 }, (_, i) => Math.sin(i)),
      ),
      R: float32(
        [16, 4],
        Float32Array.from({ length: 64 }, (_, i) => Math.cos(i)),
      ),
      B: float32([16], new Float32Array(16)),
    });
    const { run } = await session.compile(programOf(backend, { fetches: { loss }, updates }));
    const batch = {
      sequence: float32(
        [5, 2, 3],
        Float32Array.from({ length: 30 }, (_, i) => Math.sin(3 * i)),
      ),
      lengths: int32([2], [5, 3]),
    };
    const first = elements(await run(batch), "loss")[0] as number;
    const [live, data] = [session.liveTensors(), held()];
    let last = first;
    for (let step = 0; step < 100; step++) last = elements(await run(batch), "loss")[0] as number;
    expect(last).toBeLessThan(first / 2);
    expect([session.liveTensors(), held()]).toEqual([live, data]);
    await session[Symbol.asyncDispose]();
    expect([session.liveTensors(), held()]).toEqual([0, before]);
  });
});
