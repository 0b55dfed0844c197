/** Tasks that tell cells apart, as endless batches that follow from a seed, and what a trained model does on rows that it has not seen. */
import {
  binaryCrossentropy,
  dense,
  type Examples,
  float32,
  input,
  type Loss,
  type Model,
  meanSquaredError,
  RandomStream,
  type RecurrentLayer,
  sequential,
  type Tensor,
  type Trainer,
} from "@ostinato/core";

/** What a recurrence is asked for beside its cell. */
export interface Returns {
  readonly returnSequences: boolean;
}

/** A recurrent layer of `units` units: over all steps, or what comes out of the last. */
export type MakeLayer = (units: number, returns: Returns) => RecurrentLayer<"sequence", never>;

export interface Task {
  readonly title: string;
  /** What is to be learned. */
  readonly about: string;
  /** Trainings of each cell, unless told otherwise. */
  readonly seeds: number;
  readonly settings: {
    readonly units: number;
    readonly batch: number;
    readonly steps: number;
    readonly learningRate: number;
    readonly globalClipnorm: number;
  };
  readonly loss: () => Loss;
  model(layer: MakeLayer): Model;
  /** One batch of training. */
  batch(stream: RandomStream): Examples;
  /** Figures of a trained model by their names in the report. */
  test(trainer: Trainer): Promise<Readonly<Record<string, number>>>;
  /** Whether these figures say that the task was learned. */
  learned(figures: Readonly<Record<string, number>>): boolean;
}

/** Rows of bits [rows, time, 1], and for each step the parity of the bits up to it. */
function bits(stream: RandomStream, rows: number, time: number): { readonly x: Tensor; readonly y: Tensor } {
  const x = new Float32Array(rows * time);
  const y = new Float32Array(rows * time);
  for (let row = 0; row < rows; row++) {
    let parity = 0;
    for (let at = row * time; at < (row + 1) * time; at++) {
      x[at] = stream.below(2);
      parity ^= x[at] as number;
      y[at] = parity;
    }
  }
  return { x: float32([rows, time, 1], x), y: float32([rows, time, 1], y) };
}

const LONGEST_TRAINED = 40;
const testedLengths = [40, 64, 128, 256];

const parity: Task = {
  title: "Parity",
  about: `The parity of the bits so far, at each step. Trained on rows of 1 to ${LONGEST_TRAINED} bits; tested on 256 rows of each length, by the share of rows whose last answer is right. Learned: above 0.99 of 256 bits.`,
  seeds: 3,
  settings: { units: 32, batch: 64, steps: 3000, learningRate: 0.003, globalClipnorm: 1 },
  loss: () => binaryCrossentropy(),
  model: (layer) =>
    sequential([
      input({ shape: ["time", 1] }),
      layer(parity.settings.units, { returnSequences: true }) as RecurrentLayer<"sequence", never>,
      dense({ units: 1, activation: "sigmoid" }),
    ]),
  batch: (stream) => bits(stream, parity.settings.batch, 1 + stream.below(LONGEST_TRAINED)),
  async test(trainer) {
    const figures: Record<string, number> = {};
    for (const time of testedLengths) {
      const { x, y } = bits(new RandomStream(time, "parity test"), 256, time);
      const { data } = await trainer.predict(x);
      let right = 0;
      for (let end = time - 1; end < data.length; end += time)
        right += Number((data[end] as number) > 0.5 === (y.data[end] === 1));
      figures[`${time} bits`] = right / 256;
    }
    return figures;
  },
  learned: (figures) => (figures["256 bits"] as number) > 0.99,
};

const ADDED_TIME = 400;

/** Rows [rows, time, 2] of numbers in [0, 1) and marks, one in each half, and the sum of the two marked numbers. */
function numbers(stream: RandomStream, rows: number, time: number): { readonly x: Tensor; readonly y: Tensor } {
  const x = new Float32Array(rows * time * 2);
  const y = new Float32Array(rows);
  const half = time >> 1;
  for (let row = 0; row < rows; row++) {
    const marked = [stream.below(half), half + stream.below(time - half)];
    for (let t = 0; t < time; t++) {
      const at = (row * time + t) * 2;
      x[at] = stream.uniform();
      x[at + 1] = Number(marked.includes(t));
      if (marked.includes(t)) y[row] = (y[row] as number) + (x[at] as number);
    }
  }
  return { x: float32([rows, time, 2], x), y: float32([rows, 1], y) };
}

const adding: Task = {
  title: "Adding",
  about: `The sum of the two numbers in [0, 1) that are marked among ${ADDED_TIME}, one in each half (Hochreiter and Schmidhuber 1997). To answer 1 always gives a mean squared error of 0.167. Learned: below 0.01 of 256 new rows.`,
  seeds: 3,
  settings: { units: 32, batch: 32, steps: 1500, learningRate: 0.01, globalClipnorm: 1 },
  loss: () => meanSquaredError(),
  model: (layer) =>
    sequential([
      input({ shape: ["time", 2] }),
      layer(adding.settings.units, { returnSequences: false }) as unknown as ReturnType<typeof dense>,
      dense({ units: 1 }),
    ]),
  batch: (stream) => numbers(stream, adding.settings.batch, ADDED_TIME),
  async test(trainer) {
    const { x, y } = numbers(new RandomStream(ADDED_TIME, "adding test"), 256, ADDED_TIME);
    const { data } = await trainer.predict(x);
    let squares = 0;
    data.forEach((value, row) => {
      squares += (value - (y.data[row] as number)) ** 2;
    });
    return { "mean squared error": squares / 256 };
  },
  learned: (figures) => (figures["mean squared error"] as number) < 0.01,
};

/** All of them, by the names that are asked for. */
export const tasks = { parity, adding } as const;
