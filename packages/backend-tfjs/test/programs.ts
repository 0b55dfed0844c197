/** Opens small programs on a backend. */

import type { TfjsBackend } from "@ostinato/backend-tfjs";
import { type Backend, bind, type Graph, lower, type Tensors, type Value } from "@ostinato/core";

/** The program of a graph, in which every named size can be as large as 16. */
export function programOf(backend: Backend, graph: Partial<Graph> & Pick<Graph, "fetches">) {
  return bind(lower({ updates: [], ...graph }, backend), { batch: 16, time: 16, rows: 16 });
}

/** Runs a graph of feeds alone, once. */
export async function results(
  backend: TfjsBackend,
  fetches: Readonly<Record<string, Value>>,
  feeds: Tensors = {},
): Promise<Tensors> {
  await using session = await backend.open({});
  const executable = await session.compile(programOf(backend, { fetches }));
  return await executable.run(feeds);
}

/** The elements of one result. */
export const elements = (tensors: Tensors, name: string): number[] => [...(tensors[name]?.data ?? [])];
