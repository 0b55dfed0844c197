/** Measures training steps and predictions of the CPU backend: text on standard error, JSON on standard output. */
import { cpus, loadavg, totalmem } from "node:os";
import { cpu } from "@ostinato/backend-cpu";
import { bind, type Executable, type Graph, lower, orthogonalMatrix, RandomStream, type Tensors } from "@ostinato/core";
import { allocationOf } from "./allocation.ts";
import { batchOf, flops, initialState, predictGraph, sizes, trainGraph } from "./sentiment.ts";

const ROUNDS = 7;
/** Short runs before measuring: they let the engine compile every kernel, also those that do little in a full run. */
const WARM_UP = { runs: 1000, batch: sizes.batch, time: 4 };

interface Case {
  readonly name: string;
  readonly flop: number;
  readonly executable: Executable;
  readonly feeds: Tensors;
  readonly into: Tensors;
  /** Of each round: on the clock, and of processor time, which other programs on the machine disturb less. */
  readonly milliseconds: number[];
  readonly processor: number[];
}

const say = (line: string): void => console.error(line);
const [load] = loadavg() as [number, number, number];
if (load > 0.7) say(`The machine is busy (load ${load.toFixed(2)}): it can do better than this.`);

const backend = await cpu();
await using session = await backend.open(initialState());

async function prepare(name: string, graph: Graph, feeds: Tensors, flop: number): Promise<Case> {
  const executable = await session.compile(bind(lower(graph, backend), { batch: sizes.batch, time: sizes.time }));
  const short = Object.fromEntries(
    Object.entries(feeds).map(([feed, tensor]) => {
      return [feed, { ...tensor, shape: [WARM_UP.batch, WARM_UP.time].slice(0, tensor.shape.length) }];
    }),
  );
  for (let i = 0; i < WARM_UP.runs; i++) await executable.run(short);
  return { name, flop, executable, feeds, into: await executable.run(feeds), milliseconds: [], processor: [] };
}

const dense = batchOf(false);
const ragged = batchOf(true);
const ids = { ids: dense.feeds.ids as Tensors[string] };
const cases = [
  await prepare("train, 32 × 300", trainGraph(false), dense.feeds, flops(dense.steps, true)),
  await prepare("train, 32 rows of 192 on average", trainGraph(true), ragged.feeds, flops(ragged.steps, true)),
  await prepare("predict, 32 × 300", predictGraph(), ids, flops(dense.steps, false)),
];
for (let round = 0; round < ROUNDS; round++) {
  for (const { executable, feeds, into, milliseconds, processor } of cases) {
    const used = process.cpuUsage();
    const start = performance.now();
    await executable.run(feeds, into);
    milliseconds.push(performance.now() - start);
    processor.push(process.cpuUsage(used).user / 1000);
  }
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const median = (values: readonly number[]): number => sorted(values)[values.length >> 1] as number;
const results = cases.map(({ name, flop, milliseconds, processor }) => {
  const ms = median(milliseconds);
  return {
    name,
    ms,
    fastest: sorted(milliseconds)[0] as number,
    processorMs: median(processor),
    gflops: flop / ms / 1e6,
  };
});
for (const { name, ms, fastest, processorMs, gflops } of results) {
  const times = `${ms.toFixed(0)} ms (fastest ${fastest.toFixed(0)}, processor ${processorMs.toFixed(0)})`;
  say(`${name.padEnd(34)} ${times}, ${gflops.toFixed(2)} GFLOP/s`);
}

// What the weights of an LSTM of 512 units begin with.
const orthogonal = Array.from({ length: 5 }, (_, seed) => {
  const used = process.cpuUsage();
  orthogonalMatrix(512, 2048, new RandomStream(seed, "bench"));
  return process.cpuUsage(used).user / 1000;
});
const orthogonalMs = median(orthogonal);
say(`${"orthogonal matrix, 512 × 2048".padEnd(34)} processor ${orthogonalMs.toFixed(0)} ms`);

const { executable, feeds, into } = cases[0] as Case;
const allocation = await allocationOf(() => executable.run(feeds, into), 7);
const peakMegabytes = process.resourceUsage().maxRSS / 1024;
say(
  `a training step leaves ${allocation.heapBytes} bytes on the heap and makes ${allocation.typedArrays} typed arrays`,
);
if (allocation.collections > 0) say(`(${allocation.collections} collections ran meanwhile: it is more than that)`);
say(`peak memory ${peakMegabytes.toFixed(0)} MB`);

const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memory: totalmem(), node: process.version, load };
console.log(
  JSON.stringify({ machine, backend: backend.name, sizes, results, orthogonalMs, allocation, peakMegabytes }),
);
