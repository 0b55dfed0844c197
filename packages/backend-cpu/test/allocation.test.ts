/** A training step leaves next to nothing on the heap, and makes no typed arrays. */
import {
  bind,
  constant,
  factsOf,
  feed,
  float32,
  gather,
  gradients,
  int32,
  lower,
  mean,
  mul,
  recurrence,
  recurrenceNames,
  sequenceLengths,
  softplus,
  state,
  sub,
  sum,
  type Value,
} from "@ostinato/core";
import { expect, test } from "vitest";
import { cpu, cpuKernels } from "../src/index.ts";
import { numbers } from "./graphs.ts";

test.each(recurrenceNames.filter((name) => name in cpuKernels))(
  "a step of an embedding and %s stays under 4 kB of heap, with no array buffer",
  async (name) => {
    const rows = factsOf(name).gates.length * 4;
    const shapes = { embeddings: [20, 3], W: [rows, 3], R: [rows, 4], B: [rows] };
    const parameters = Object.entries(shapes).map(([name, shape]) => state(name, "float32", shape));
    const [embeddings, W, R, B] = parameters as [Value, Value, Value, Value];
    const ids = feed("ids", "int32", ["time", "batch"]);
    const { h } = recurrence(name, { X: gather(embeddings, ids), W, R, B, lengths: sequenceLengths(ids) });
    const loss = mean(softplus(sum(h, [1])));
    const grads = gradients([{ value: loss, cotangent: constant(1) }], parameters);
    const updates = Object.keys(shapes).map((name, i) => ({
      name,
      value: sub(parameters[i], mul(grads[i], 0.1)),
    }));
    const backend = await cpu();
    await using session = await backend.open(
      Object.fromEntries(
        Object.entries(shapes).map(([name, shape], i) => [
          name,
          float32(shape, numbers(shape[0] * (shape[1] ?? 1), i + 1)),
        ]),
      ),
    );
    const graph = lower({ fetches: { loss }, updates }, backend);
    const executable = await session.compile(bind(graph, { time: 6, batch: 5 }));
    const feeds = {
      ids: int32(
        [6, 5],
        [...numbers(30)].map((x) => Math.floor(10 + 10 * x)),
      ),
    };
    const into = await executable.run(feeds);
    for (let i = 0; i < 3000; i++) await executable.run(feeds, into);

    // The median of many readings: a collection, or the engine compiling something, spoils only a few.
    const heap: number[] = [];
    const buffers: number[] = [];
    for (let i = 0; i < 101; i++) {
      const before = process.memoryUsage();
      await executable.run(feeds, into);
      const after = process.memoryUsage();
      heap.push(after.heapUsed - before.heapUsed);
      buffers.push(after.arrayBuffers - before.arrayBuffers);
    }
    const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];
    expect(median(heap)).toBeLessThan(4096);
    expect(median(buffers)).toBe(0);
  },
);
