/** Strings to copy, to reverse and to sort: drawn at random, learned by a model of an encoder and a decoder with attention, and written by it for strings that it has not seen. */
import {
  accuracy,
  adam,
  attention,
  type Backend,
  bidirectional,
  compile,
  cosineDecay,
  countParameters,
  embedding,
  encoderDecoder,
  generate,
  lstm,
  type Model,
  RandomStream,
  sequenceModel,
  sparseCategoricalCrossentropy,
  teacherForcing,
} from "@ostinato/core";

/** What is to be written for a string. */
export const tasks = {
  copy: (string: readonly number[]) => [...string],
  reverse: (string: readonly number[]) => string.toReversed(),
  sort: (string: readonly number[]) => string.toSorted((a, b) => a - b),
} as const satisfies Readonly<Record<string, (string: readonly number[]) => number[]>>;

/** Strings, a model for them, and how it is trained. */
export interface Size {
  readonly symbols: number;
  readonly shortest: number;
  readonly longest: number;
  /** Of the embeddings; of each direction of the encoder; the decoder has twice as many. */
  readonly features: number;
  readonly units: number;
  readonly strings: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
}

/** Strings of 5 to 20 of 26 letters. */
export const letters: Size = {
  ...{ symbols: 26, shortest: 5, longest: 20 },
  ...{ features: 32, units: 64 },
  ...{ strings: 100_000, epochs: 4, batchSize: 128, learningRate: 0.003 },
};

/** 0 is padding. */
const tokens = { start: 1, end: 2 } as const;
const FIRST = 3;

function drawStrings({ symbols, shortest, longest }: Size, count: number, random: RandomStream): number[][] {
  return Array.from({ length: count }, () =>
    Array.from({ length: shortest + random.below(longest - shortest + 1) }, () => FIRST + random.below(symbols)),
  );
}

/** A bidirectional encoder, and a decoder that begins with its states and attends to what it gives. */
function stringModel({ symbols, features, units }: Size): Model {
  const symbol = () => embedding({ inputDim: FIRST + symbols, outputDim: features, maskZero: true });
  return encoderDecoder({
    sourceEmbedding: symbol(),
    targetEmbedding: symbol(),
    encoder: [bidirectional(lstm({ units }))],
    decoder: [lstm({ units: 2 * units })],
    attention: attention({ scoreMode: "general" }),
  });
}

/** After an epoch. */
export interface Progress {
  readonly epoch: number;
  readonly loss: number;
  /** Steps so far, seconds since training began, and those of the processor. */
  readonly steps: number;
  readonly seconds: number;
  readonly processor: number;
  /** Share of the symbols that are right where the model reads what is right before them. */
  readonly symbols: number;
}

/** A training and what came of it. */
export interface Learned extends Progress {
  readonly parameters: number;
  /** Share of the strings, none of them trained on, that the model writes without a mistake, of 1,000. */
  readonly whole: number;
}

/** Trains on strings and writes others, greedily. All follows from the seed. */
export async function learn(
  task: keyof typeof tasks,
  size: Size,
  { backend, seed, onEpoch }: { backend: Backend; seed: number; onEpoch?: (progress: Progress) => void },
): Promise<Learned> {
  const answer = tasks[task];
  const random = new RandomStream(seed, task);
  const strings = drawStrings(size, size.strings, random);
  const known = new Set(strings.map(String));
  const others = drawStrings(size, 2000, random)
    .filter((string) => !known.has(String(string)))
    .slice(0, 1000);
  const model = stringModel(size);
  const steps = Math.ceil(strings.length / size.batchSize);
  const decaySteps = size.epochs * steps;
  await using trainer = await compile(model, {
    backend,
    loss: sparseCategoricalCrossentropy(),
    metrics: [accuracy()],
    optimizer: adam({
      learningRate: cosineDecay({ initialLearningRate: size.learningRate, decaySteps }),
      globalClipnorm: 1,
    }),
    seed,
  });
  const start = performance.now();
  const before = process.cpuUsage();
  let last: Progress | undefined;
  await trainer.fit(teacherForcing(strings, strings.map(answer), tokens), {
    epochs: size.epochs,
    batchSize: size.batchSize,
    groupByLength: true,
    onEpoch: ({ epoch, loss = 0, accuracy: symbols = 0 }) => {
      const { user, system } = process.cpuUsage(before);
      const seconds = (performance.now() - start) / 1000;
      last = { epoch, loss, symbols, steps: epoch * steps, seconds, processor: (user + system) / 1e6 };
      onEpoch?.(last);
    },
  });
  await using writer = await sequenceModel(await trainer.snapshot(), { backend });
  const written = await generate(writer, { source: others }, { ...tokens, maxLength: size.longest + 1 });
  const right = others.filter((string, row) => String(written[row]?.[0]?.tokens) === String(answer(string)));
  return { ...(last as Progress), parameters: countParameters(model), whole: right.length / others.length };
}
