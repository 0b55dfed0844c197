/** What is measured: steps of our backends, each once in a round, so that whatever slows the machine slows all of them. */
import { type Backend, bind, type Executable, type Graph, lower, type Tensors } from "@ostinato/core";
import { batchOf, flops, initialState, predictGraph, sizes, trainGraph } from "./sentiment.ts";

/** Short runs before measuring: they let the engine compile every kernel, also those that do little in a full run. */
const WARM_UP = { runs: 200, batch: sizes.batch, time: 4 };

interface Case {
  readonly contender: string;
  readonly step: string;
  readonly flop: number;
  readonly measure: () => Promise<Reading>;
  readonly readings: Reading[];
}

/** Milliseconds on the clock, and of the caller's thread, which other programs on the machine disturb less. */
interface Reading {
  readonly clock: number;
  readonly thread: number;
}

const dense = batchOf(false);
const ragged = batchOf(true);

/** The steps that are measured. */
const steps = {
  train: { graph: trainGraph(false, "lstm"), feeds: dense.feeds, flop: flops(dense.steps, true, "lstm") },
  ragged: { graph: trainGraph(true, "lstm"), feeds: ragged.feeds, flop: flops(ragged.steps, true, "lstm") },
  gru: { graph: trainGraph(false, "gru"), feeds: dense.feeds, flop: flops(dense.steps, true, "gru") },
  simpleRnn: { graph: trainGraph(false, "simpleRnn"), feeds: dense.feeds, flop: flops(dense.steps, true, "simpleRnn") },
  predict: {
    graph: predictGraph(),
    feeds: { ids: dense.feeds.ids as Tensors[string] },
    flop: flops(dense.steps, false, "lstm"),
  },
} as const;

export interface Prepared {
  readonly executable: Executable;
  readonly feeds: Tensors;
  readonly into: Tensors;
}

/** All steps on one backend, in one session; it is disposed with `stop`. */
export async function casesOf(backend: Backend, contender = backend.name) {
  const session = await backend.open(initialState());
  const prepare = async (graph: Graph, feeds: Tensors): Promise<Prepared> => {
    const executable = await session.compile(bind(lower(graph, backend), { batch: sizes.batch, time: sizes.time }));
    const short = Object.fromEntries(
      Object.entries(feeds).map(([feed, tensor]) => {
        return [feed, { ...tensor, shape: [WARM_UP.batch, WARM_UP.time].slice(0, tensor.shape.length) }];
      }),
    );
    for (let i = 0; i < WARM_UP.runs; i++) await executable.run(short);
    return { executable, feeds, into: await executable.run(feeds) };
  };
  const cases: Case[] = [];
  const prepared: Prepared[] = [];
  for (const [step, { graph, feeds, flop }] of Object.entries(steps)) {
    const { executable, into } = await prepare(graph, feeds);
    prepared.push({ executable, feeds, into });
    const measure = async (): Promise<Reading> => {
      const used = process.threadCpuUsage();
      const start = performance.now();
      await executable.run(feeds, into);
      return { clock: performance.now() - start, thread: process.threadCpuUsage(used).user / 1000 };
    };
    cases.push({ contender, step, flop, measure, readings: [] });
  }
  return { cases, prepared, stop: () => session[Symbol.asyncDispose]() };
}

/** Takes readings of all cases in turn. */
export async function measureAll(cases: readonly Case[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) for (const each of cases) each.readings.push(await each.measure());
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
