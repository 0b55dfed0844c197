/** Runs small graphs on the WebAssembly and the CPU backend, for the tests. */
import { cpu } from "@ostinato/backend-cpu";
import {
  type Backend,
  bind,
  type Capacities,
  float32,
  int32,
  lower,
  sizeOf,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { expect } from "vitest";
import { type WasmOptions, wasm } from "../src/index.ts";

/** Numbers between -1 and 1, the same ones each time. */
export function numbers(shape: readonly number[], seed = 1): Tensor {
  let word = seed * 2654435761;
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => {
      word = (Math.imul(word, 1664525) + 1013904223) | 0;
      return word / 2 ** 31;
    }),
  );
}

/** Whole numbers from 0 to `end` - 1. */
export function ids(shape: readonly number[], end: number, seed = 1): Tensor {
  return int32(
    shape,
    Array.from(numbers(shape, seed).data, (x) => Math.floor(((x + 1) / 2) * end)),
  );
}

async function run(
  backend: Backend,
  fetches: Record<string, Value>,
  feeds: Tensors,
  capacities: Capacities,
): Promise<Tensors> {
  await using session = await backend.open({});
  const executable = await session.compile(bind(lower({ fetches, updates: [] }, backend), capacities));
  return executable.run(feeds);
}

/** The variants that a kernel is tried with. */
const variants: readonly WasmOptions[] = [
  { simd: "auto", threads: 1 },
  { simd: "plain", threads: 1 },
  { simd: "auto", threads: 2 },
  { simd: "auto", threads: 3 },
];

/** How far a float may be from the plain kernel's, relative to 1 + its magnitude; 0: not a bit. */
type Tolerance = number;

/** Expects of every variant what the CPU backend computes, and of every number of threads the same bits. */
export async function expectAsPlain(
  fetches: Record<string, Value>,
  feeds: Tensors,
  { tolerance = 1e-6, capacities = {} }: { tolerance?: Tolerance; capacities?: Capacities } = {},
): Promise<void> {
  const expected = await run(await cpu(), fetches, feeds, capacities);
  let one: Tensors | undefined;
  for (const options of variants) {
    const backend = await wasm(options);
    const actual = await run(backend, fetches, feeds, capacities);
    for (const [name, { data, shape }] of Object.entries(expected)) {
      const got = actual[name].data;
      for (let i = 0; i < data.length; i++) {
        const close =
          Object.is(got[i], data[i]) ||
          got[i] === data[i] ||
          Math.abs(got[i] - data[i]) <= tolerance * (1 + Math.abs(data[i]));
        if (!close)
          expect.fail(`${backend.name}: ${name}[${i}] of [${shape}] is ${got[i]}, the plain kernel's ${data[i]}`);
      }
    }
    if (options.simd !== "auto") continue;
    if (one) expect(actual, `${backend.name} against one thread`).toEqual(one);
    one ??= actual;
  }
}
