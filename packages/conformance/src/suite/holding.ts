/** State with named sizes: one program writes it, others read it, and it is as large as it was written last. */
import {
  type Backend,
  ConfigError,
  feed,
  float32,
  type Graph,
  gather,
  int32,
  mul,
  type Session,
  ShapeError,
  StateError,
  state,
  sum,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { add, less } from "@ostinato/core/graph";
import { expect } from "vitest";
import { programOf, type SuiteTest } from "./suiteTest.ts";

type Run = (feeds: Tensors) => Promise<Tensors>;

const numbers = (tensor: Tensor | undefined): number[] => Array.from(tensor?.data ?? []);

const rows = (count: number, from: number): Tensor =>
  float32(
    [count, 2],
    Array.from({ length: 2 * count }, (_, i) => from + i),
  );

/** Holds the rows that are fed, unless a sum of them is 100 or more; `tall` holds each of them, times w. */
const writing: Graph = (() => {
  const x = feed("x", "float32", ["batch", 2]);
  return {
    fetches: { sum: sum(x) },
    updates: [
      { name: "memory", value: mul(x, 2) },
      { name: "tall", value: mul(x, state("w", "float32", [])) },
    ],
    guard: less(sum(x), 100),
  };
})();

/** Reads what is held, beside a feed of the same rows. */
const reading: Graph = {
  fetches: { y: add(state("memory", "float32", ["rows", 2]), state("tall", "float32", ["rows", 2])) },
  updates: [],
};

/** Holds other rows of it, and says which there were. */
const choosing: Graph = (() => {
  const memory = state("memory", "float32", ["held", 2]);
  const chosen = gather(memory, feed("from", "int32", ["batch"]));
  return { fetches: { before: memory, chosen }, updates: [{ name: "memory", value: add(chosen, 1) }] };
})();

async function opened(
  backend: Backend,
): Promise<{ session: Session; program: (graph: Graph, room: number) => Promise<Run> }> {
  const session = await backend.open({ w: float32([], [3]) });
  return {
    session,
    async program(graph, room) {
      const capacities = { batch: room, rows: room, held: room };
      const executable = await session.compile(await programOf(backend, graph, capacities));
      return (feeds) => executable.run(feeds);
    },
  };
}

const rejection = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

export const holdingTests: readonly SuiteTest[] = [
  {
    name: "holding > what a program holds others read, at the size that it was written in",
    run: async (backend) => {
      const { session, program } = await opened(backend);
      await using _ = session;
      const [write, read] = [await program(writing, 5), await program(reading, 5)];
      for (const count of [3, 1, 5, 2]) {
        await write({ x: rows(count, count) });
        const { y } = await read({});
        expect(y.shape).toEqual([count, 2]);
        expect(numbers(y)).toEqual(numbers(rows(count, count)).map((x) => 5 * x));
        expect(numbers((await read({})).y), "it stays").toEqual(numbers(y));
      }
    },
  },
  {
    name: "holding > rows of it are chosen, some more than once and in any number, after it was read",
    run: async (backend) => {
      const { session, program } = await opened(backend);
      await using _ = session;
      const [write, choose] = [await program(writing, 5), await program(choosing, 5)];
      await write({ x: rows(2, 1) });
      const first = await choose({ from: int32([4], [1, 0, 1, 1]) });
      expect([numbers(first.before), numbers(first.chosen)]).toEqual([
        [2, 4, 6, 8],
        [6, 8, 2, 4, 6, 8, 6, 8],
      ]);
      const second = await choose({ from: int32([1], [3]) });
      expect([second.before.shape, numbers(second.chosen)]).toEqual([
        [4, 2],
        [7, 9],
      ]);
      expect(numbers((await choose({ from: int32([2], [0, 0]) })).before)).toEqual([8, 10]);
      expect(await rejection(choose({ from: int32([1], [2]) }))).toBeInstanceOf(Error);
      expect(numbers((await choose({ from: int32([1], [1]) })).chosen)).toEqual([9, 11]);
    },
  },
  {
    name: "holding > programs with more room, for it or for other things, keep what is held",
    run: async (backend) => {
      const { session, program } = await opened(backend);
      await using _ = session;
      const write = await program(writing, 2);
      await write({ x: rows(2, 1) });
      const read = await program(reading, 3);
      expect(numbers((await read({})).y)).toEqual([5, 10, 15, 20]);
      const larger = await program(writing, 400);
      expect(numbers((await read({})).y)).toEqual([5, 10, 15, 20]);
      await larger({ x: rows(3, 0) });
      expect(numbers((await read({})).y)).toEqual([0, 5, 10, 15, 20, 25]);
      // The weights that programs of before read are where they were.
      await write({ x: rows(1, 7) });
      expect(numbers((await read({})).y)).toEqual([35, 40]);
      const choose = await program(choosing, 700);
      expect(numbers((await choose({ from: int32([1], [0]) })).chosen)).toEqual([14, 16]);
    },
  },
  {
    name: "holding > a false guard keeps what is held, and its size",
    run: async (backend) => {
      const { session, program } = await opened(backend);
      await using _ = session;
      const [write, read] = [await program(writing, 5), await program(reading, 5)];
      await write({ x: rows(1, 3) });
      await write({ x: rows(3, 90) });
      expect(numbers((await read({})).y)).toEqual([15, 20]);
    },
  },
  {
    name: "holding > weights that are written are read by the next run, and what is held stays",
    run: async (backend) => {
      const { session, program } = await opened(backend);
      await using _ = session;
      const [write, read] = [await program(writing, 5), await program(reading, 5)];
      await write({ x: rows(1, 1) });
      await session.writeState({ w: float32([], [10]) });
      expect(numbers((await read({})).y)).toEqual([5, 10]);
      await write({ x: rows(1, 1) });
      expect(numbers((await read({})).y)).toEqual([12, 24]);
    },
  },
  {
    name: "holding > what was never written, has no room or another form is a typed error",
    run: async (backend) => {
      const { session, program } = await opened(backend);
      await using _ = session;
      const [write, read] = [await program(writing, 5), await program(reading, 2)];
      const early = await rejection(read({}));
      expect(early).toBeInstanceOf(StateError);
      expect((early as Error).message).toContain('"memory"');
      await write({ x: rows(3, 1) });
      const narrow = await rejection(read({}));
      expect(narrow).toBeInstanceOf(ShapeError);
      expect((narrow as Error).message).toContain('"memory"');
      const beside = await program(
        {
          fetches: { y: mul(state("memory", "float32", ["batch", 2]), feed("x", "float32", ["batch", 2])) },
          updates: [],
        },
        5,
      );
      expect(await rejection(beside({ x: rows(2, 1) })), "a feed tells another size").toBeInstanceOf(ShapeError);
      expect(numbers((await beside({ x: rows(3, 0) })).y)).toEqual([0, 4, 12, 24, 40, 60]);
      const wide = await program({ fetches: { y: sum(state("memory", "float32", ["batch", 3])) }, updates: [] }, 5);
      expect(await rejection(wide({}))).toBeInstanceOf(ShapeError);
    },
  },
  {
    name: "holding > it is not the state that was given to open, nor read as such",
    run: async (backend) => {
      const { session, program } = await opened(backend);
      await using _ = session;
      const write = await program(writing, 5);
      await write({ x: rows(1, 1) });
      expect(Object.keys(await session.readState())).toEqual(["w"]);
      expect(await rejection(session.readState(["memory"]))).toBeInstanceOf(ConfigError);
      expect(await rejection(session.writeState({ memory: rows(1, 1) }))).toBeInstanceOf(ConfigError);
      const wrong = { fetches: { y: sum(state("w", "float32", ["batch"])) }, updates: [] };
      expect(await rejection(program(wrong, 5))).toBeInstanceOf(ShapeError);
    },
  },
];
