/** Results that lie over inputs which end with them: only where every element finds the place of its own. */
import { bind, type Graph, lower, type Program, type Value } from "@ostinato/core";
import { add, broadcast, cast, exp, feed, less, mul, neg, reshape, state, sum, tanh } from "@ostinato/core/graph";
import { expect, test } from "vitest";

/** Without fusing, so that each op has a step. */
const native = { name: "native", runs: ({ op }: { op: string }) => op !== "fused" };
const programOf = (fetches: Graph["fetches"], updates: Graph["updates"] = []): Program =>
  bind(lower({ fetches, updates }, native), { batch: 8 });

/** The op of each step, and whether its first result lies where one of its inputs does. */
const overs = ({ steps, values }: Program): [op: string, over: boolean][] =>
  steps
    .filter(({ alias }) => !alias)
    .map(({ op, inputs, outputs }) => {
      const place = (index: number): string => JSON.stringify(values[index]?.storage);
      return [op, inputs.some((input) => place(input) === place(outputs[0] as number))];
    });

const x = (): Value => feed("x", "float32", ["batch", 4]);

test("a chain of elementwise ops takes the memory of one value beside the feed, which stays", () => {
  const program = programOf({ y: tanh(exp(neg(x()))) });
  expect(overs(program)).toEqual([
    ["neg", false],
    ["exp", true],
    ["tanh", true],
  ]);
  expect(program.arenaBytes).toBe(2 * 8 * 4 * 4);
});

test("what is read later, or fetched, stays", () => {
  const once = neg(x());
  expect(overs(programOf({ y: add(exp(once), once) }))).toEqual([
    ["neg", false],
    ["exp", false],
    ["add", true],
  ]);
  expect(overs(programOf({ once, y: exp(once) }))).toEqual([
    ["neg", false],
    ["exp", false],
  ]);
});

test("one number that stands for all stays, also where the result has as few bytes", () => {
  // Four truth values take the bytes of the one float that each of them is compared with.
  const total = sum(feed("x", "float32", [4]));
  const y = less(feed("z", "float32", [4]), broadcast(total, [4], []));
  expect(overs(programOf({ y }))).toEqual([
    ["sum", false],
    ["less", false],
  ]);
});

test("elements of another size stay", () => {
  // 16 truth values, and 4 floats.
  const some = cast(less(feed("x", "float32", [16]), 0), "float32");
  expect(overs(programOf({ some })).at(-1)).toEqual(["cast", false]);
});

test("state stays, and what it becomes has a place of its own", () => {
  const w = state("w", "float32", [4]);
  const doubled = mul(w, 2);
  const program = programOf({}, [{ name: "w", value: doubled }]);
  expect(overs(program).find(([op]) => op === "mul")).toEqual(["mul", false]);
});

test("a reshape is the value itself: it is overwritten with it", () => {
  const flat = reshape(neg(feed("x", "float32", [2, 2])), [4]);
  expect(overs(programOf({ y: exp(flat) }))).toEqual([
    ["neg", false],
    ["exp", true],
  ]);
});
