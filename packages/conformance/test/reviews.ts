/** A small problem to train on: rows of ids of many lengths, positive where the first word is odd; and a watched reference backend. */
import { reference } from "@ostinato/conformance";
import {
  accuracy,
  adam,
  auc,
  type Backend,
  binaryCrossentropy,
  type CompileOptions,
  compile,
  dense,
  embedding,
  input,
  lstm,
  type Model,
  RandomStream,
  type Session,
  sequential,
  type Tensors,
  type Trainer,
  toBytes,
} from "@ostinato/core";

const words = 12;

/** Rows of 0 to `longest` words. */
export function reviews(count: number, longest = 5, seed = 1): { x: number[][]; y: number[] } {
  const random = new RandomStream(seed, "reviews");
  const x = Array.from({ length: count }, (_, row) =>
    Array.from({ length: row % 7 === 6 ? 0 : 1 + random.below(longest) }, () => 1 + random.below(words - 1)),
  );
  return { x, y: x.map(([first = 0]) => first % 2) };
}

const classifier = (): Model =>
  sequential([
    input({ shape: ["time"], name: "words" }),
    embedding({ inputDim: words, outputDim: 3, maskZero: true }),
    lstm({ units: 4 }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);

/** The reference, and what is done with it. */
export interface Watched extends Backend {
  compiled: number;
  /** The state of the last session, in double precision. */
  state(): Promise<Tensors>;
}

export function watched(): Watched {
  const backend = reference();
  let last: Session | undefined;
  const watch: Watched = {
    ...backend,
    compiled: 0,
    state: async () => (last ? last.readState() : {}),
    open: async (state) => {
      const session = await backend.open(state);
      last = session;
      return {
        compile: (program) => {
          watch.compiled += 1;
          return session.compile(program);
        },
        readState: (names) => session.readState(names),
        writeState: (given) => session.writeState(given),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
  return watch;
}

/** A trainer of the classifier, with everything that is not given as the app has it. */
export function trainerOf(options: Partial<CompileOptions> = {}, model = classifier()): Promise<Trainer> {
  return compile(model, {
    backend: reference(),
    loss: binaryCrossentropy(),
    optimizer: adam({ learningRate: 0.03 }),
    metrics: [accuracy(), auc()],
    ...options,
  });
}

/** The weights as a file has them, to compare byte by byte. */
export async function bytesOf(trainer: Trainer): Promise<string> {
  return Buffer.from(toBytes(await trainer.snapshot())).toString("base64");
}

/** The weights after a training, byte by byte. */
export async function bytesAfter(
  train: (trainer: Trainer) => Promise<unknown>,
  options: Partial<CompileOptions> = {},
  model = classifier(),
): Promise<string> {
  await using trainer = await trainerOf(options, model);
  await train(trainer);
  return bytesOf(trainer);
}
