/** `pnpm bench:batches`: how much of the batches of pairs is padding, and what an epoch over them takes, by how batches are made. */

import { cpus, loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import { cpuUsage } from "node:process";
import { wasm } from "@ostinato/backend-wasm";
import {
  adam,
  attention,
  type Backend,
  bidirectional,
  compile,
  concatenate,
  dense,
  type Examples,
  embedding,
  type FitOptions,
  input,
  lstm,
  type Model,
  model,
  RandomStream,
  sparseCategoricalCrossentropy,
  type Tensors,
} from "@ostinato/core";
import { readOptions } from "./options.ts";

const { values } = readOptions("pnpm bench:batches [--threads N] [--rounds N]", {
  threads: { type: "string" },
  rounds: { type: "string", default: "3" },
});

/** Pairs of lengths, and the model that reads them. */
interface Kind {
  readonly pairs: number;
  /** The tokens of either side. */
  readonly vocabulary: readonly [source: number, target: number];
  readonly units: number;
  lengths(random: RandomStream): [source: number, target: number];
  readonly ways: Readonly<Record<string, FitOptions>>;
}

const near = (random: RandomStream, mean: number, deviation: number): number =>
  // The sum of twelve uniform numbers is nearly normal.
  mean + deviation * (Array.from({ length: 12 }, () => random.uniform()).reduce((a, b) => a + b, 0) - 6);
const whole = (length: number, most: number): number => Math.max(1, Math.min(most, Math.round(length)));

const kinds: Readonly<Record<string, Kind>> = {
  "words: letters and phones as in a pronouncing dictionary": {
    pairs: 10_000,
    vocabulary: [30, 42],
    units: 128,
    lengths: (random) => {
      const letters = whole(near(random, 7.5, 2.2), 20);
      return [letters, 1 + whole(letters * near(random, 0.86, 0.12), 20)];
    },
    ways: {
      "64 rows as they are drawn": { batchSize: 64 },
      "64 rows of similar length": { batchSize: 64, groupByLength: true },
      "540 tokens": { batchTokens: 540 },
    },
  },
  "sentences: 5 to 50 words and their translations": {
    pairs: 1500,
    vocabulary: [2000, 2000],
    units: 128,
    lengths: (random) => {
      const words = 5 + random.below(46);
      return [words, 1 + whole(words * near(random, 1, 0.2), 60)];
    },
    ways: {
      "32 rows as they are drawn": { batchSize: 32 },
      "32 rows of similar length": { batchSize: 32, groupByLength: true },
      "1000 tokens": { batchTokens: 1000 },
    },
  },
};

/** A bidirectional encoder, and a decoder that attends to it. */
function encoderDecoder({ vocabulary: [from, to], units }: Kind): Model {
  const source = input({ shape: ["source"], name: "source" });
  const target = input({ shape: ["target"], name: "target" });
  const read = bidirectional(lstm({ units: units / 2, returnSequences: true }))(
    embedding({ inputDim: from, outputDim: 64, maskZero: true })(source),
  );
  const written = embedding({ inputDim: to, outputDim: 64, maskZero: true })(target);
  const states = lstm({ units, returnSequences: true })(written);
  const seen = attention()([states, read]);
  return model([source, target], dense({ units: to, activation: "softmax" })(concatenate()([states, seen])));
}

function draw({ pairs, vocabulary, lengths }: Kind): Examples {
  const random = new RandomStream(1, "pairs");
  const sizes = Array.from({ length: pairs }, () => lengths(random));
  const [source, target] = ([0, 1] as const).map((side) =>
    sizes.map((size) => Array.from({ length: size[side] }, () => 1 + random.below(vocabulary[side] - 1))),
  ) as [number[][], number[][]];
  return { x: { source, target }, y: target };
}

async function epoch(kind: Kind, data: Examples, options: FitOptions, backend: Backend): Promise<void> {
  const loss = sparseCategoricalCrossentropy();
  await using trainer = await compile(encoderDecoder(kind), { backend, loss, optimizer: adam(), seed: 1 });
  await trainer.fit(data, options);
}

/** The backend, and what is fed to it. */
function counting(backend: Backend, count: (feeds: Tensors) => void): Backend {
  return {
    ...backend,
    async open(state) {
      const session = await backend.open(state);
      return {
        async compile(program) {
          const executable = await session.compile(program);
          return {
            run(feeds, results) {
              count(feeds);
              return executable.run(feeds, results);
            },
          };
        },
        readState: (names) => session.readState(names),
        writeState: (given) => session.writeState(given),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}

/** Steps of an epoch, the most rows of one, and the share of either side that is padding. */
async function sizes(kind: Kind, data: Examples, options: FitOptions, backend: Backend) {
  const { source, target } = data.x as unknown as Readonly<Record<string, number[][]>>;
  const room = [0, 0];
  let steps = 0;
  let most = 0;
  const count = (feeds: Tensors): void => {
    steps += 1;
    [feeds.source, feeds.target].forEach((feed, side) => {
      const [rows = 0, length = 0] = feed?.shape ?? [];
      most = Math.max(most, rows);
      room[side] = (room[side] as number) + rows * length;
    });
  };
  await epoch(kind, data, options, counting(backend, count));
  const padding = [source, target].map(
    (side = [], at) => 1 - side.reduce((sum, row) => sum + row.length, 0) / (room[at] as number),
  );
  return { steps, most, padding };
}

const percent = (share = 0): string => `${(100 * share).toFixed(1)} %`;

const [processor] = cpus();
console.log(`${processor?.model}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`);
const backend = await wasm(values.threads === undefined ? {} : { threads: Number(values.threads) });
console.log(backend.name);
for (const [name, kind] of Object.entries(kinds)) {
  console.log(`\n${name}: ${kind.pairs} pairs, bidirectional LSTM and LSTM of ${kind.units} units with attention`);
  const data = draw(kind);
  const best = new Map<string, readonly [seconds: number, processor: number]>();
  await epoch(kind, draw({ ...kind, pairs: 300 }), { batchTokens: 500 }, backend); // for what the engine compiles
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [way, options] of Object.entries(kind.ways)) {
      const start = performance.now();
      const before = cpuUsage();
      await epoch(kind, data, options, backend);
      const { user, system } = cpuUsage(before);
      const taken = [(performance.now() - start) / 1000, (user + system) / 1e6] as const;
      const known = best.get(way);
      if (known === undefined || taken[1] < known[1]) best.set(way, taken);
    }
  for (const [way, options] of Object.entries(kind.ways)) {
    const { steps, most, padding } = await sizes(kind, data, options, backend);
    const [seconds = 0, processorTime = 0] = best.get(way) ?? [];
    console.log(
      `  ${way.padEnd(28)} ${String(steps).padStart(4)} steps of up to ${String(most).padStart(3)} rows, padding ${percent(padding[0])} and ${percent(padding[1])}, ` +
        `epoch ${seconds.toFixed(2)} s (${processorTime.toFixed(2)} s of processor time)`,
    );
  }
}
