/** Opens small programs on a backend. */

import { type TfjsBackend, type TfjsBackendName, tfjs } from "@ostinato/backend-tfjs";
import { type Backend, bind, type Graph, lower, type Tensors, type Value } from "@ostinato/core";
import * as tf from "@tensorflow/tfjs-core";
import { connect } from "../src/connect.ts";
import { Device } from "../src/device.ts";
import { TfjsSession } from "../src/session.ts";

/** The backend as if its data could not be read at once, as on a GPU. */
export async function likeAGpu(name: TfjsBackendName): Promise<TfjsBackend> {
  const [backend, instance] = [await tfjs(tf, { backend: name }), await connect(tf, name)];
  return { ...backend, open: async (state) => new TfjsSession(new Device(tf, name, instance, false), state) };
}

/** The program of a graph, in which every named size can be as large as 16, and those of trees and time as 128. */
export function programOf(backend: Backend, graph: Partial<Graph> & Pick<Graph, "fetches">) {
  return bind(lower({ updates: [], ...graph }, backend), { batch: 16, time: 128, rows: 16, nodes: 128, levels: 128 });
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
