/** Runs small graphs on the CPU backend, natively or decomposed, for the tests. */
import {
  type AnyNode,
  type Backend,
  bind,
  type Capacities,
  isComposite,
  lower,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { cpu } from "../src/index.ts";

/** The CPU backend, but composites arrive decomposed. */
export async function withoutComposites(): Promise<Backend> {
  const backend = await cpu();
  return { ...backend, runs: (node: AnyNode) => !isComposite(node.op) && backend.runs(node) };
}

export interface Run {
  readonly feeds?: Tensors;
  readonly state?: Tensors;
  /** Default: the sizes of what is fed need no names. */
  readonly capacities?: Capacities;
  readonly backend?: Backend;
}

/** Compiles and runs once. */
export async function run(
  fetches: Record<string, Value>,
  { feeds = {}, state = {}, capacities = {}, backend }: Run = {},
): Promise<Tensors> {
  const runner = backend ?? (await cpu());
  await using session = await runner.open(state);
  const executable = await session.compile(bind(lower({ fetches, updates: [] }, runner), capacities));
  return executable.run(feeds);
}

/** Numbers between -1 and 1, the same ones each time. */
export function numbers(size: number, seed = 1): Float32Array {
  let word = seed * 2654435761;
  return Float32Array.from({ length: size }, () => {
    word = (Math.imul(word, 1664525) + 1013904223) | 0;
    return word / 2 ** 31;
  });
}
