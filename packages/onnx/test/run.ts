/** Runs a graph as an exported model, and holds its outputs against the reference. */
import { evaluate } from "@ostinato/conformance";
import type { Graph, Tensor, Tensors, Value } from "@ostinato/core";
import { graphToOnnx, type OnnxOptions } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { expect } from "vitest";

export function graphOf(fetches: Readonly<Record<string, Value>>): Graph {
  return { fetches, updates: [] };
}

/** What onnxruntime makes of the exported graph. */
export async function runOnnx(graph: Graph, feeds: Tensors, state: Tensors, options?: OnnxOptions): Promise<Tensors> {
  const session = await openSession(graphToOnnx(graph, state, options), { threads: 1 });
  try {
    const named = session.inputs.map(({ name }) => [name, feeds[name] as Tensor] as const);
    return await session.run(Object.fromEntries(named));
  } finally {
    await session.dispose();
  }
}

/** The largest difference of two tensors, relative to the wanted one where that is larger than 1. Equal infinities and NaNs do not differ. */
export function difference(given: Tensor, wanted: Tensor): number {
  expect(given.shape).toEqual(wanted.shape);
  let largest = 0;
  for (let i = 0; i < wanted.data.length; i++) {
    const [a, b] = [given.data[i] as number, wanted.data[i] as number];
    if (!Object.is(a, b) && a !== b) largest = Math.max(largest, Math.abs(a - b) / Math.max(1, Math.abs(b)));
  }
  return largest;
}

/** Every output of the exported graph within 1e-5 of the reference: what onnxruntime promises of its own kernels. */
export async function expectParity(
  graph: Graph,
  feeds: Tensors,
  state: Tensors = {},
  options?: OnnxOptions,
): Promise<void> {
  const given = await runOnnx(graph, feeds, state, options);
  const wanted = evaluate(graph, feeds, state).fetches;
  expect(Object.keys(given)).toEqual(Object.keys(wanted));
  for (const [name, tensor] of Object.entries(wanted)) {
    expect(difference(given[name] as Tensor, tensor), name).toBeLessThanOrEqual(1e-5);
  }
}
