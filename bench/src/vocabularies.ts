/** `pnpm bench:vocabularies`: what of a training step belongs to the scores of all words, by the size of the vocabulary, and what is left of it with a sampled softmax. */
import { cpus, loadavg } from "node:os";
import { cpuUsage } from "node:process";
import { wasm } from "@ostinato/backend-wasm";
import {
  adam,
  type Backend,
  compile,
  type Loss,
  RandomStream,
  sampledSoftmaxLoss,
  sparseCategoricalCrossentropy,
  type Trainer,
  teacherForcing,
} from "@ostinato/core";
import { readOptions } from "./options.ts";
import { sentenceModel, sentences } from "./peers/sentences.ts";

const { values } = readOptions("pnpm bench:vocabularies [--words 8000,32000] [--samples N] [--rounds N]", {
  words: { type: "string", default: "8000,16000,32000,50000" },
  samples: { type: "string", default: "1024" },
  rounds: { type: "string", default: "3" },
});

const { batch: rows, time, batches: steps } = sentences;
/** Of a vocabulary that takes next to nothing: what is left is not of the output. */
const fewWords = 16;

/** Sentences of words that are rarer the larger their id. */
function rowsOf(words: number) {
  const random = new RandomStream(1, "sentences");
  const word = (): number => 3 + Math.floor((words - 3) ** random.uniform());
  const side = (length: number): number[][] =>
    Array.from({ length: rows * steps }, () => Array.from({ length }, () => Math.min(word(), words - 1)));
  return teacherForcing(side(time), side(time - 1), { start: 1, end: 2 });
}

class Contestant {
  readonly #trainer: Trainer;
  readonly #data: ReturnType<typeof rowsOf>;
  readonly #taken: number[] = [];

  private constructor(trainer: Trainer, words: number) {
    this.#trainer = trainer;
    this.#data = rowsOf(words);
  }

  static async of(backend: Backend, words: number, loss: Loss): Promise<Contestant> {
    return new Contestant(
      await compile(sentenceModel({ ...sentences, subwords: words }, 0.3), {
        backend,
        loss,
        optimizer: adam(),
        seed: 1,
      }),
      words,
    );
  }

  /** A few steps. Those of the first round, in which programs are made, do not count. */
  async round(counts: boolean): Promise<void> {
    let before = cpuUsage();
    const onStep = (): void => {
      const { user, system } = cpuUsage(before);
      if (counts) this.#taken.push((user + system) / 1000);
      before = cpuUsage();
    };
    await this.#trainer.fit(this.#data, { epochs: 1, batchSize: rows, shuffle: false, onStep });
  }

  dispose(): Promise<void> {
    return this.#trainer.dispose();
  }

  /** Milliseconds of processor time of a step, the median. */
  result(): number {
    return this.#taken.sort((a, b) => a - b)[this.#taken.length >> 1] as number;
  }
}

const [processor] = cpus();
console.log(`${processor?.model}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`);
const backend = await wasm({ threads: 1 });
console.log(
  `${backend.name}; ${rows} × ${time} → ${time}, embedding ${sentences.embedding}, BiLSTM ${sentences.units}, LSTM ${2 * sentences.units}, attention, Adam`,
);
const sizes = values.words.split(",").map(Number);
const samples = Number(values.samples);
const few = await Contestant.of(backend, fewWords, sparseCategoricalCrossentropy());
const pairs = await Promise.all(
  sizes.map(async (words) => ({
    words,
    full: await Contestant.of(backend, words, sparseCategoricalCrossentropy()),
    sampled: await Contestant.of(backend, words, sampledSoftmaxLoss({ samples })),
  })),
);
const all = [few, ...pairs.flatMap(({ full, sampled }) => [full, sampled])];
for (let round = 0; round <= Number(values.rounds); round++)
  for (const contestant of all) await contestant.round(round > 0);
const rest = few.result();
console.log(`\n${fewWords} words: ${rest.toFixed(0)} ms of processor time a step`);
console.log(`| words | full softmax | of it the output | ${samples} samples | times as fast |\n|---|---|---|---|---|`);
for (const { words, full, sampled } of pairs) {
  const [exact, estimated] = [full.result(), sampled.result()];
  const share = (100 * (exact - rest)) / exact;
  console.log(
    `| ${words} | ${exact.toFixed(0)} ms | ${share.toFixed(0)} % | ${estimated.toFixed(0)} ms | ${(exact / estimated).toFixed(1)} |`,
  );
}
for (const contestant of all) await contestant.dispose();
