/** How a fused op is planned: when results are written, which registers are used again, what is read where it lies; and moves by another copier. */
import { suiteTests } from "@ostinato/conformance";
import type { FusedAttrs, FusedOperation } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import {
  arenaBackend,
  type Call,
  cpuKernels,
  elementsOf,
  type FusedPlan,
  type Kernel,
  type Kernels,
  type Mover,
  normal,
  PlainMemory,
  planFused,
  repeatsOf,
  shapeKernelsBy,
  type View,
} from "../src/index.ts";

const add = (op: FusedOperation["op"], inputs: readonly number[], attrs: object = {}): FusedOperation =>
  ({ op, inputs, attrs, dtype: "float32" }) as FusedOperation;
const attrsOf = (operands: number, operations: readonly FusedOperation[], results: readonly number[]): FusedAttrs => ({
  shape: ["n"],
  operands: Array.from({ length: operands }, () => "float32" as const),
  operations,
  results,
});
const many = (count: number) => Array.from({ length: count }, () => ({ size: 100 }));
const read = (count: number) => Array.from({ length: count }, () => ({ offset: 0 }));
/** Each instruction as `op -> where it writes`. */
const shown = ({ instructions }: FusedPlan): string[] =>
  instructions.map(({ op, output: { kind, at } }) => `${op} -> ${kind} ${at}`);

describe("a plan of fused operations", () => {
  test("writes what is computed last where it goes, and takes two registers for a chain of any length", () => {
    const chain = attrsOf(1, [add("neg", [0]), add("exp", [1]), add("tanh", [2]), add("abs", [3])], [4]);
    const plan = planFused(chain, many(1), read(1));
    expect(shown(plan)).toEqual(["neg -> register 0", "exp -> register 1", "tanh -> register 0", "abs -> result 0"]);
    expect(plan.registers).toBe(2);
  });

  test("writes no result while operands are still to be read: it may lie over one of them", () => {
    const plan = planFused(attrsOf(2, [add("neg", [0]), add("mul", [2, 1])], [2, 3]), many(2), read(2));
    expect(shown(plan)).toEqual(["neg -> register 0", "mul -> result 1", "copy -> result 0"]);
    const over = planFused(attrsOf(2, [add("add", [0, 1]), add("neg", [2])], [2, 3]), many(2), read(2));
    expect(shown(over)).toEqual(["add -> result 0", "neg -> result 1"]);
  });

  test("reads one number where it is, and spreads what is more", () => {
    const spread = add("broadcast", [1], { shape: ["n"], axes: [] });
    const attrs = attrsOf(2, [spread, add("mul", [0, 2])], [3]);
    const [one] = planFused(attrs, [{ size: 100 }, { size: 1 }], read(1)).instructions;
    expect(one).toMatchObject({ op: "mul", inputs: [{ kind: "operand" }, { kind: "uniform", at: 1 }] });
    expect(shown(planFused(attrs, many(2), read(1)))).toEqual(["broadcast -> register 0", "mul -> result 0"]);
  });

  test("adds up sums, and leaves out those that nothing reads", () => {
    const attrs = attrsOf(
      1,
      [add("sub", [0, 0]), add("sum", [1], { axes: [0] }), add("sum", [0], { axes: [0] })],
      [2, 3],
    );
    expect(planFused(attrs, many(1), read(2)).sums).toEqual([0, 1]);
    const first = planFused(attrs, many(1), [{ offset: 0 }, { offset: -1 }]);
    expect(first.sums).toEqual([0]);
    expect(shown(first)).toEqual(["sub -> register 0", "sum -> sum 0"]);
  });
});

test("elements are counted from the sizes of a run, and how often each of a broadcast stands side by side", () => {
  const call = { attrs: { ...attrsOf(0, [], []), shape: ["time", 3, "batch"] }, sizes: { time: 5, batch: 7 } };
  expect(elementsOf(call as unknown as Call<"fused">)).toBe(105);
  expect([[0], [0, 1], [2], []].map((axes) => repeatsOf(call as unknown as Call<"fused">, axes))).toEqual([
    21, 7, 1, 105,
  ]);
});

test("moves go by the copier that is given", () => {
  const view = (dims: number[], offset: number): View => ({
    ...{ dtype: "float32", shape: dims, dims, offset, stride: 1, size: dims.reduce((a, b) => a * b, 1), followers: [] },
  });
  const seen: unknown[] = [];
  const mover: Mover = (_, { dtype }, walk, from, to) => seen.push([dtype, walk.dims.slice(0, walk.rank), from, to]);
  const walk = { rank: 0, dims: [], from: [], to: [] };
  const call = {
    attrs: { permutation: [1, 0] },
    inputs: [view([2, 3], 8)],
    outputs: [view([3, 2], 16)],
    sizes: {},
    walk,
  };
  shapeKernelsBy(mover).transpose.run(new PlainMemory(), { op: "transpose", ...call } as Call<"transpose">);
  expect(seen).toEqual([["float32", [3, 2], 8, 16]]);
});

test("numbers that float32 has as subnormal ones become zeros of their sign", () => {
  expect([2 ** -127, -(2 ** -149), 2 ** -126, -3, Number.NaN, -0].map(normal)).toEqual([
    0,
    -0,
    2 ** -126,
    -3,
    Number.NaN,
    -0,
  ]);
});

test("the suite finds a fused op, or a bias of a product, that is a little off", async () => {
  const offBy =
    (op: "fused" | "biasedDot") =>
    (factor: number): Kernels => ({
      ...cpuKernels,
      [op]: {
        ...cpuKernels[op],
        run(memory: PlainMemory, call: Call<"fused">) {
          (cpuKernels[op] as Kernel<"fused">).run(memory, call);
          const [{ dtype, offset }] = call.outputs as [View];
          if (dtype === "float32" && offset >= 0) memory.f32[offset] *= factor;
        },
      },
    });
  const failing = async (kernels: Kernels): Promise<number> => {
    const backend = arenaBackend({ name: "off", kernels, createMemory: () => new PlainMemory() });
    let failed = 0;
    for (const { name, run } of suiteTests()) if (name.startsWith("fusing")) await run(backend).catch(() => failed++);
    return failed;
  };
  for (const op of ["fused", "biasedDot"] as const) {
    expect(await failing(offBy(op)(1))).toBe(0);
    expect(await failing(offBy(op)(1 + 2 ** -12)), op).toBeGreaterThanOrEqual(5);
  }
});
