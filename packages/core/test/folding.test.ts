/** What is folded and kept, and what is not. */
import { bind, describe as describeProgram, feed, type Graph, keptKey, lower, recurrence } from "@ostinato/core";
import { add, cast, dot, gather, matmul, mul, size, state, transpose, type Value } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const weights = (name: string, ...shape: number[]): Value => state(name, "float32", shape);
const ids = transpose(feed("ids", "int32", ["batch", "time"]), [1, 0]);
const x = gather(weights("table", 50, 3), ids);
const everything = { name: "everything", runs: () => true };
const capacities = { batch: 4, time: 9 };

const programOf = (y: Value, updates: Graph["updates"] = []) =>
  bind(lower({ fetches: { y }, updates }, everything), capacities);
const stepsOf = (y: Value, updates?: Graph["updates"]): string =>
  programOf(y, updates)
    .steps.map(({ op }) => op)
    .join();

const recurrent = (X: Value, units: number, inputs: number): Value =>
  recurrence("lstm", {
    X,
    W: weights("W", 4 * units, inputs),
    R: weights("R", 4 * units, units),
    B: weights("B", 4 * units),
  }).h;

describe("folding", () => {
  test("a recurrence takes ids, and what each of them gives is kept", () => {
    expect(describeProgram(programOf(recurrent(x, 2, 3)))).toMatchInlineSnapshot(`
      "program (batch ≤ 4, time ≤ 9), arena of 384 bytes
      feed ids %5: int32[batch, time] @0
      state table %0: float32[50, 3] table
      state W %1: float32[8, 3] W
      state R %3: float32[8, 2] R
      state B %4: float32[8] B
      when the state was written, 1600 bytes are kept of:
        %2 = dot(%0, %1): float32[50, 8] kept @0
      %6 = transpose(%5): int32[time, batch] @192
      -, %7, -, -, - = lstm(%6, %2, %3, %4): -, float32[batch, 2] @0, -, -, -
      fetch y %7: float32[batch, 2] @0"
    `);
  });

  test("a product of looked-up rows becomes a look-up, a chain of products too", () => {
    const once = matmul(x, weights("kernel", 3, 5));
    expect(stepsOf(once)).toBe("dot,transpose,gather");
    expect(stepsOf(matmul(once, weights("second", 5, 2)))).toBe("dot,dot,transpose,gather");
  });

  test("a program that trains multiplies small tables in each step, and prepares nothing", () => {
    const kernel = weights("kernel", 3, 5);
    const folded = (rows: number): boolean => {
      const y = matmul(gather(weights("table", rows, 3), ids), kernel);
      const program = programOf(y, [{ name: "kernel", value: mul(kernel, 0.5) }]);
      expect([program.prepared, program.keptBytes]).toEqual([0, 0]);
      return program.steps[0]?.op === "dot";
    };
    expect([1, 128, 129, 50_000].map(folded)).toEqual([true, true, false, false]);
  });

  test("tables of a program take at most 64 MB together", () => {
    const wide = (name: string, columns: number): Value => matmul(x, weights(name, 3, columns));
    // 50 rows: 335,544 columns are just below 2^24 numbers.
    expect(stepsOf(wide("kernel", 335_544))).toBe("dot,transpose,gather");
    expect(stepsOf(wide("kernel", 335_545))).toBe("transpose,gather,dot");
    const two = dot(wide("a", 200_000), wide("b", 200_000), {
      contract: [[2], [2]],
      batch: [
        [0, 1],
        [0, 1],
      ],
    });
    expect(stepsOf(two)).toBe("dot,transpose,gather,gather,dot,dot");
  });

  test("what is fed, and axes other than the features, are left alone", () => {
    expect(stepsOf(matmul(x, feed("kernel", "float32", [3, 5])))).toBe("transpose,gather,dot");
    const batches = gather(weights("table", 50, 3), feed("id", "int32", [7]));
    expect(stepsOf(dot(batches, weights("kernel", 7, 5), { contract: [[0], [0]] }))).toBe("gather,dot");
    const deep = gather(weights("deep", 50, 2, 3), ids);
    expect(stepsOf(matmul(deep, weights("kernel", 3, 5)))).toBe("transpose,gather,dot");
  });

  test("a backend that takes no ids gets the recurrence as it was", () => {
    const floats = {
      name: "floats",
      runs: (node: { readonly op: string; readonly inputs: readonly Value[] }) =>
        node.op !== "lstm" || node.inputs[0]?.type.dtype === "float32",
    };
    const { graph } = lower({ fetches: { y: recurrent(x, 2, 3) }, updates: [] }, floats);
    expect(graph.fetches.y?.node.inputs[0]?.type.dtype).toBe("float32");
  });
});

describe("what is kept", () => {
  test("is what depends on the state alone, and has no named size", () => {
    const scale = mul(weights("a", 3), weights("b", 3));
    const y = add(x, scale);
    const program = programOf(mul(y, add(matmul(x, weights("square", 3, 3)), 1)));
    expect(
      program.steps
        .slice(0, program.prepared)
        .map(({ op }) => op)
        .sort(),
    ).toEqual(["constant", "dot", "mul"]);
    const timed = programOf(mul(x, cast(size("time"), "float32")));
    expect(timed.prepared).toBe(0);
  });

  test("has the same key whatever the capacities, and another one for other weights", () => {
    const keyOf = (name: string, room: Readonly<Record<string, number>>): string => {
      const lowered = lower({ fetches: { y: matmul(x, weights(name, 3, 5)) }, updates: [] }, everything);
      const program = bind(lowered, room);
      return keptKey(program, program.steps.slice(0, program.prepared));
    };
    expect(keyOf("kernel", capacities)).toBe(keyOf("kernel", { batch: 64, time: 300 }));
    expect(keyOf("kernel", capacities)).not.toBe(keyOf("other", capacities));
  });
});
