/** Measures training steps and predictions of our backends, side by side: a table on standard error, JSON on standard output. */
import { cpus, loadavg, totalmem } from "node:os";
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import { orthogonalMatrix, RandomStream } from "@ostinato/core";
import { allocationOf } from "./allocation.ts";
import { readOptions } from "./options.ts";
import { casesOf, measureAll, median, type Prepared } from "./rounds.ts";
import { sizes } from "./sentiment.ts";

const ROUNDS = 9;

readOptions("pnpm bench takes no options", {});

const say = (line: string): void => console.error(line);
const [load] = loadavg() as [number, number, number];
if (load > 0.7) say(`The machine is busy (load ${load.toFixed(2)}): it can do better than this.`);

const backends = [
  await cpu(),
  await wasm({ threads: 1 }),
  await wasm({ threads: 2 }),
  await wasm({ simd: "plain", threads: 2 }),
];
const ours = [];
for (const backend of backends) ours.push(await casesOf(backend));

const cases = ours.flatMap((each) => each.cases);
// The first two rounds compile and fill caches.
await measureAll(cases, 2);
for (const { readings } of cases) readings.length = 0;
await measureAll(cases, ROUNDS);

const results = cases.map(({ contender, step, flop, readings }) => {
  const clock = readings.map((reading) => reading.clock);
  const ms = median(clock);
  const threadMs = median(readings.map((reading) => reading.thread));
  return { contender, step, ms, fastest: Math.min(...clock), threadMs, gflops: flop / ms / 1e6 };
});
const titles: Record<string, string> = {
  train: "train, 32 × 300",
  ragged: "train, 32 rows of 192 on average",
  gru: "train a GRU, 32 × 300",
  simpleRnn: "train a simple RNN, 32 × 300",
  predict: "predict, 32 × 300",
};
for (const [step, title] of Object.entries(titles)) {
  say(`\n${title}`);
  for (const { contender, ms, fastest, threadMs, gflops } of results.filter((each) => each.step === step)) {
    say(
      `${contender.padEnd(52)} ${ms.toFixed(1).padStart(7)} ms (fastest ${fastest.toFixed(1)}, its thread ${threadMs.toFixed(0)}), ${gflops.toFixed(1)} GFLOP/s`,
    );
  }
}

// What the weights of an LSTM of 512 units begin with.
const orthogonal = Array.from({ length: 5 }, (_, seed) => {
  const used = process.cpuUsage();
  orthogonalMatrix(512, 2048, new RandomStream(seed, "bench"));
  return process.cpuUsage(used).user / 1000;
});
const orthogonalMs = median(orthogonal);
say(`\northogonal matrix, 512 × 2048: processor ${orthogonalMs.toFixed(0)} ms`);

const allocations = [];
for (const [i, { prepared }] of ours.entries()) {
  const { executable, feeds, into } = prepared[0] as Prepared;
  const allocation = await allocationOf(() => executable.run(feeds, into), 7);
  const { heapBytes, typedArrays, collections } = allocation;
  const contender = (backends[i] as (typeof backends)[number]).name;
  say(`${contender}: a training step leaves ${heapBytes} bytes on the heap and makes ${typedArrays} typed arrays`);
  if (collections > 0) say(`(${collections} collections ran meanwhile: it is more than that)`);
  allocations.push({ contender, ...allocation });
}
for (const { stop } of ours) await stop();
const peakMegabytes = process.resourceUsage().maxRSS / 1024;
say(`peak memory ${peakMegabytes.toFixed(0)} MB`);

const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memory: totalmem(), node: process.version, load };
console.log(JSON.stringify({ machine, sizes, results, orthogonalMs, allocations, peakMegabytes }));
