/** The contract of sessions and executables: sizes, state, guards, ownership, and errors before anything runs. */
import {
  type Backend,
  DTypeError,
  feed,
  finite,
  float32,
  type Graph,
  gather,
  int32,
  matmul,
  mul,
  neg,
  OstinatoError,
  reshape,
  ShapeError,
  StateError,
  state,
  sum,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import { expect } from "vitest";
import { evaluate } from "../reference/evaluate.ts";
import { classifier, classifierBatch, classifierCapacities } from "./classifier.ts";
import { expectClose, programOf, type SuiteTest, withExecutable } from "./suiteTest.ts";

/** y = x · w for rows of a named number; adds the sum of y to the state `total` unless it is not finite. */
function accumulator(): { graph: Graph; state: Tensors; capacities: Record<string, number> } {
  const x = feed("x", "float32", ["batch", 2]);
  const y = matmul(x, state("w", "float32", [2, 3]));
  const all = sum(y);
  return {
    graph: {
      fetches: { y, before: state("total", "float32", []) },
      updates: [{ name: "total", value: add(state("total", "float32", []), all) }],
      guard: finite(all),
    },
    state: { w: float32([2, 3], [1, 2, 3, 4, 5, 6]), total: float32([], [10]) },
    capacities: { batch: 4 },
  };
}

const rows = (batch: number, from = 1): Tensor =>
  float32(
    [batch, 2],
    Array.from({ length: 2 * batch }, (_, i) => from + i),
  );

const numbers = (tensor: Tensor | undefined): number[] => Array.from(tensor?.data ?? []);

async function rejection(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
}

type ErrorClass = typeof OstinatoError;

/** Wrong feeds of the accumulator, and the error that each must give. */
const wrongFeeds: Readonly<Record<string, { feeds: Tensors; error: ErrorClass }>> = {
  "a missing feed": { feeds: {}, error: ShapeError },
  "a wrong rank": { feeds: { x: float32([2], [1, 2]) }, error: ShapeError },
  "a wrong known size": { feeds: { x: float32([1, 3], [1, 2, 3]) }, error: ShapeError },
  "more rows than the capacity": { feeds: { x: rows(5) }, error: ShapeError },
  "no rows": { feeds: { x: float32([0, 2], []) }, error: ShapeError },
  "a wrong data type": { feeds: { x: int32([1, 2], [1, 2]) }, error: DTypeError },
  "data shorter than its shape": {
    feeds: { x: { dtype: "float32", shape: [2, 2], data: new Float32Array(3) } },
    error: ShapeError,
  },
};

export const contractTests: readonly SuiteTest[] = [
  {
    name: "contract > one executable runs with any sizes up to its capacities",
    run: async (backend) => {
      const { graph, state: initial } = classifier("sgd");
      await withExecutable(backend, { graph, capacities: classifierCapacities, state: initial }, async (executable) => {
        let known = initial;
        for (let step = 0; step < 12; step++) {
          const feeds = classifierBatch(100 + step);
          const expected = evaluate(graph, feeds, known);
          known = expected.state;
          const { probabilities, rows: count } = await executable.run(feeds);
          expectClose(probabilities, expected.fetches.probabilities, `run ${step}: probabilities`);
          expectClose(count, expected.fetches.rows, `run ${step}: rows`);
        }
      });
    },
  },
  {
    name: "contract > programs of a session share its state",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (writer, session) => {
        const reads = { fetches: { twice: mul(state("total", "float32", []), 2) }, updates: [] };
        const reader = await session.compile(await programOf(backend, reads));
        expect(numbers((await reader.run({})).twice)).toEqual([20]);
        await writer.run({ x: rows(1) });
        expect(numbers((await reader.run({})).twice)).toEqual([2 * (10 + 9 + 12 + 15)]);
        expect(numbers((await writer.run({ x: rows(2) })).before)).toEqual([46]);
      });
    },
  },
  {
    name: "contract > sessions of a backend do not share state",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (first, one) => {
        await withExecutable(backend, { graph, state: initial, capacities }, async (_second, two) => {
          await first.run({ x: rows(1) });
          expect(numbers((await one.readState(["total"])).total)).toEqual([46]);
          expect(numbers((await two.readState(["total"])).total)).toEqual([10]);
        });
      });
    },
  },
  {
    name: "contract > updates all see the state from before the run",
    run: async (backend) => {
      const [a, b] = [state("a", "float32", [2]), state("b", "float32", [2])];
      const graph: Graph = {
        fetches: { a, sum: add(a, b) },
        updates: [
          { name: "a", value: neg(b) },
          { name: "b", value: mul(a, 10) },
        ],
      };
      const initial = { a: float32([2], [1, 2]), b: float32([2], [3, 4]) };
      await withExecutable(backend, { graph, state: initial }, async (executable, session) => {
        const fetched = await executable.run({});
        expect([numbers(fetched.a), numbers(fetched.sum)]).toEqual([
          [1, 2],
          [4, 6],
        ]);
        await executable.run({});
        const after = await session.readState();
        expect([numbers(after.a), numbers(after.b)]).toEqual([
          [-10, -20],
          [-30, -40],
        ]);
      });
    },
  },
  {
    name: "contract > one value can be fetched twice and be an update too",
    run: async (backend) => {
      const n = state("n", "float32", [2]);
      const next = add(n, 1);
      const graph: Graph = {
        fetches: { next, again: next, flat: reshape(next, [2, 1]), old: reshape(n, [1, 2]) },
        updates: [
          { name: "n", value: next },
          { name: "copy", value: next },
        ],
      };
      const initial = { n: float32([2], [1, 2]), copy: float32([2], [0, 0]) };
      await withExecutable(backend, { graph, state: initial }, async (executable, session) => {
        const fetched = await executable.run({});
        expect(numbers(fetched.again)).toEqual([2, 3]);
        expect([fetched.flat.shape, numbers(fetched.flat)]).toEqual([
          [2, 1],
          [2, 3],
        ]);
        expect([fetched.old.shape, numbers(fetched.old)]).toEqual([
          [1, 2],
          [1, 2],
        ]);
        const after = await session.readState();
        expect([numbers(after.n), numbers(after.copy)]).toEqual([
          [2, 3],
          [2, 3],
        ]);
      });
    },
  },
  {
    name: "contract > a false guard keeps the state",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (executable, session) => {
        for (const bad of [NaN, Infinity, -Infinity]) {
          const { y } = await executable.run({ x: float32([1, 2], [bad, 1]) });
          expect(Number.isFinite(y.data[0])).toBe(false);
          expect(numbers((await session.readState(["total"])).total)).toEqual([10]);
        }
        await executable.run({ x: rows(1) });
        expect(numbers((await session.readState(["total"])).total)).toEqual([46]);
      });
    },
  },
  {
    name: "contract > what comes back is the caller's",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (executable, session) => {
        const { y, before } = await executable.run({ x: rows(1) });
        const kept = await session.readState();
        await executable.run({ x: rows(1, 5) });
        expect([numbers(y), numbers(before)]).toEqual([[9, 12, 15], [10]]);
        y.data.fill(99);
        kept.w.data.fill(99);
        expect(numbers((await executable.run({ x: rows(1) })).y)).toEqual([9, 12, 15]);
        expect(numbers(kept.total)).toEqual([46]);
      });
    },
  },
  {
    name: "contract > what is given stays the caller's",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      const w = float32([2, 3], [1, 2, 3, 4, 5, 6]);
      await withExecutable(backend, { graph, state: { ...initial, w }, capacities }, async (executable, session) => {
        w.data.fill(0);
        const x = rows(2);
        const { y } = await executable.run({ x });
        x.data.fill(0);
        expect(numbers(y)).toEqual([9, 12, 15, 19, 26, 33]);
        const other = float32([2, 3], [1, 0, 0, 0, 1, 0]);
        await session.writeState({ w: other });
        other.data.fill(0);
        expect(numbers((await executable.run({ x: rows(1) })).y)).toEqual([1, 2, 0]);
      });
    },
  },
  {
    name: "contract > results go into the tensors that are given",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (executable) => {
        const into = { y: float32([2, 3], new Float32Array(6)) };
        const results = await executable.run({ x: rows(2) }, into);
        expect(results.y.data).toBe(into.y.data);
        expect(numbers(into.y)).toEqual([9, 12, 15, 19, 26, 33]);
        await executable.run({ x: rows(2, 0) }, into);
        expect(numbers(into.y)).toEqual([4, 5, 6, 14, 19, 24]);
      });
    },
  },
  {
    name: "contract > of data longer than its shape the first elements count",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (executable) => {
        const x: Tensor = { dtype: "float32", shape: [1, 2], data: Float32Array.of(1, 2, NaN, NaN, NaN) };
        const { y } = await executable.run({ x });
        expect([y.shape, numbers(y)]).toEqual([
          [1, 3],
          [9, 12, 15],
        ]);
      });
    },
  },
  {
    name: "contract > state is read in part or whole, and written in part",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (_executable, session) => {
        expect(Object.keys(await session.readState(["total"]))).toEqual(["total"]);
        await session.writeState({ total: float32([], [-1]) });
        const all = await session.readState();
        expect(Object.keys(all).sort()).toEqual(["total", "w"]);
        expect([all.w.shape, numbers(all.w), numbers(all.total)]).toEqual([[2, 3], [1, 2, 3, 4, 5, 6], [-1]]);
      });
    },
  },
  {
    name: "contract > state of another name or shape is refused",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (_executable, session) => {
        for (const wrong of [{ other: float32([], [1]) }, { total: float32([1], [1]) }, { w: rows(2) }]) {
          const attempt = session.writeState({ total: float32([], [5]), ...wrong } as Tensors);
          expect(await rejection(attempt), Object.keys(wrong).join()).toBeInstanceOf(OstinatoError);
        }
        expect(numbers((await session.readState(["total"])).total), "nothing is written in part").toEqual([10]);
        expect(await rejection(session.readState(["other"]))).toBeInstanceOf(OstinatoError);
      });
    },
  },
  {
    name: "contract > a program whose state the session lacks is refused",
    run: async (backend) => {
      const { graph, capacities } = accumulator();
      await using session = await backend.open({ total: float32([], [0]) });
      expect(await rejection(session.compile(await programOf(backend, graph, capacities)))).toBeInstanceOf(
        OstinatoError,
      );
    },
  },
  ...Object.entries(wrongFeeds).map(([name, { feeds, error }]) => ({
    name: `contract > ${name} is a typed error that leaves the session as it was`,
    run: async (backend: Backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (executable) => {
        const refused = await rejection(executable.run(feeds));
        expect(refused).toBeInstanceOf(error);
        expect((refused as Error).message, "the error names the feed").toContain('"x"');
        expect(numbers((await executable.run({ x: rows(1) })).y)).toEqual([9, 12, 15]);
      });
    },
  })),
  {
    name: "contract > feeds that tell different sizes are a typed error",
    run: async (backend) => {
      const [a, b] = [feed("a", "float32", ["n"]), feed("b", "float32", ["n"])];
      const graph = { fetches: { y: add(a, b) }, updates: [] };
      await withExecutable(backend, { graph, capacities: { n: 3 } }, async (executable) => {
        const [two, three] = [float32([2], [1, 2]), float32([3], [1, 2, 3])];
        expect(await rejection(executable.run({ a: two, b: three }))).toBeInstanceOf(ShapeError);
        expect(numbers((await executable.run({ a: three, b: three })).y)).toEqual([2, 4, 6]);
      });
    },
  },
  {
    name: "contract > an id out of range is a typed error that leaves the session as it was",
    run: async (backend) => {
      const y = gather(state("table", "float32", [3, 2]), feed("ids", "int32", [2]));
      const graph: Graph = {
        fetches: { y },
        updates: [{ name: "count", value: add(state("count", "float32", []), sum(y)) }],
      };
      const initial = { table: rows(3), count: float32([], [0]) };
      await withExecutable(backend, { graph, state: initial }, async (executable, session) => {
        for (const id of [-1, 3, 2 ** 30]) {
          const attempt = executable.run({ ids: int32([2], [0, id]) });
          expect(await rejection(attempt), `id ${id}`).toBeInstanceOf(OstinatoError);
        }
        expect(numbers((await session.readState(["count"])).count)).toEqual([0]);
        expect(numbers((await executable.run({ ids: int32([2], [2, 0]) })).y)).toEqual([5, 6, 1, 2]);
      });
    },
  },
  {
    name: "contract > a second run before the first ends is a StateError, or gives its own right result",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      await withExecutable(backend, { graph, state: initial, capacities }, async (executable) => {
        const first = executable.run({ x: rows(1) });
        const second = executable.run({ x: rows(1, 2) });
        const refused = await rejection(second);
        expect(numbers((await first).y)).toEqual([9, 12, 15]);
        if (refused === undefined) expect(numbers((await second).y)).toEqual([14, 19, 24]);
        else expect(refused).toBeInstanceOf(StateError);
        expect(numbers((await executable.run({ x: rows(1) })).y)).toEqual([9, 12, 15]);
      });
    },
  },
  {
    name: "contract > after dispose every call is a StateError",
    run: async (backend) => {
      const { graph, state: initial, capacities } = accumulator();
      const session = await backend.open(initial);
      const program = await programOf(backend, graph, capacities);
      const executable = await session.compile(program);
      await session[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
      for (const attempt of [
        executable.run({ x: rows(1) }),
        session.compile(program),
        session.readState(),
        session.writeState({}),
      ]) {
        expect(await rejection(attempt)).toBeInstanceOf(StateError);
      }
    },
  },
];
