/** Random models with random weights and data, both as lists for the naive formulas and as feeds for the graph. */
import {
  type AnyLayer,
  embedding,
  float32,
  float64,
  type InputSpec,
  inferenceGraph,
  input,
  int32,
  type Loss,
  type Model,
  nodesOf,
  RandomStream,
  type Symbolic,
  sequential,
  sizeOf,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import type { Row } from "./layers.ts";
import type { Targets } from "./losses.ts";

const sizes = [1, 1, 2, 3, 5];

/** The start of a model: what it is fed. */
export type Start = "ids" | "masked ids" | "sequence" | "ragged sequence" | "features";
const words = 6;

export interface KerasTrial {
  readonly model: Model;
  readonly weights: Tensors;
  readonly rows: readonly Row[];
  readonly time: number;
}

/** Draws sizes and numbers. */
export class Trials {
  readonly random: RandomStream;
  readonly #seed: number;
  readonly #smallest: boolean;

  /** `smallest`: every size is 1. */
  constructor(site: string, seed: number, smallest = seed === 1) {
    this.random = new RandomStream(seed, site);
    this.#seed = seed;
    this.#smallest = smallest;
  }

  size(): number {
    return this.#smallest ? 1 : sizes[this.random.below(sizes.length)];
  }

  float(): number {
    return 2 * this.random.uniform() - 1;
  }

  floats(count: number): number[] {
    return Array.from({ length: count }, () => this.float());
  }

  /** A model that begins with `start` and goes on with `layers`, its weights, and rows for it. */
  draw(start: Start, layers: readonly AnyLayer[]): KerasTrial {
    const [batch, time, features] = [this.size(), this.size(), this.size()];
    const drawn = sequential([this.#start(start, features), ...layers]);
    const lengths = Array.from({ length: batch }, (_, row) =>
      start === "masked ids" || start === "ragged sequence"
        ? [0, 1, time, this.random.below(time + 1)][(row + this.#seed) % 4]
        : time,
    );
    const word = (t: number, length: number): number =>
      start === "ids" ? this.random.below(words) : t < length ? 1 + this.random.below(words - 1) : 0;
    const rows = lengths.map((length): Row => {
      if (start === "features") return { ids: [], steps: [], vector: this.floats(features), length: 1 };
      if (start === "ids" || start === "masked ids")
        return { ids: Array.from({ length: time }, (_, t) => word(t, length)), steps: [], length: time };
      return { ids: [], steps: Array.from({ length: time }, () => this.floats(features)), length };
    });
    return { model: drawn, weights: this.weights(drawn), rows, time };
  }

  #start(start: Start, features: number): AnyLayer | Symbolic {
    switch (start) {
      case "ids":
      case "masked ids":
        return embedding({ inputDim: words, outputDim: this.size(), maskZero: start === "masked ids" });
      case "sequence":
      case "ragged sequence":
        return input({ shape: ["time", features], lengths: start === "ragged sequence" });
      case "features":
        return input({ shape: [features] });
    }
  }

  /** Random weights in double precision. */
  weights({ spec }: Model): Tensors {
    const states = nodesOf(Object.values(inferenceGraph(spec).fetches)).filter(
      (node) => node.op === "input" && node.attrs.kind === "state",
    );
    return Object.fromEntries(
      states.map(({ attrs }) => {
        const { name, shape } = attrs as { name: string; shape: number[] };
        return [name, float64(shape, this.floats(sizeOf(shape)))];
      }),
    );
  }

  /** Targets for what a model predicts, of the form that a loss wants. */
  targets(kind: string, predictions: readonly Row[]): Targets[] {
    const one = (p: readonly number[]): readonly number[] => {
      if (kind === "sparseCategoricalCrossentropy") return [this.random.below(p.length)];
      if (kind === "meanSquaredError") return this.floats(p.length);
      const parts = p.map(() => this.random.uniform());
      const total = kind === "categoricalCrossentropy" ? parts.reduce((sum, part) => sum + part, 0) : 1;
      return parts.map((part) => part / total);
    };
    return predictions.map(({ vector, steps }) => (vector ? [one(vector)] : steps.map(one)));
  }
}

/** Rows as the model is fed them, each filled up to `time` steps by `padding`. */
export function feedsOf(
  { model: { spec }, rows }: KerasTrial,
  time: number,
  padding: () => number = () => 0,
): Record<string, Tensor> {
  return feedsOfInput(spec.inputs[0], rows, time, padding);
}

/** Rows as one input of a model is fed them. */
export function feedsOfInput(
  { name, kind, shape, lengths }: InputSpec,
  rows: readonly Row[],
  time: number,
  padding: () => number = () => 0,
): Record<string, Tensor> {
  const batch = rows.length;
  const filled = <T>(own: readonly T[], fill: () => T): T[] =>
    Array.from({ length: time }, (_, t) => (t < own.length ? own[t] : fill()));
  if (kind === "ids") {
    const ids = rows.flatMap((row) => filled(row.ids, () => 0));
    return { [name]: int32([batch, time], ids) };
  }
  if (kind === "features") {
    const width = shape[0] as number;
    return {
      [name]: float64(
        [batch, width],
        rows.flatMap((row) => row.vector ?? []),
      ),
    };
  }
  const width = shape[1] as number;
  const values = rows.flatMap((row) => filled(row.steps, () => Array.from({ length: width }, padding)).flat());
  return {
    [name]: float64([batch, time, width], values),
    ...(lengths
      ? {
          [`${name}/lengths`]: int32(
            [batch],
            rows.map((row) => row.length),
          ),
        }
      : {}),
  };
}

/** Targets as the model is fed them, sequences filled up to `time` steps by repeating the last. */
export function targetFeed(loss: Loss, targets: readonly Targets[], over: boolean, time: number): Tensor {
  const count = over ? time : 1;
  const [[first]] = targets;
  const flat = targets.flatMap((steps) =>
    Array.from({ length: count }, (_, t) => steps[Math.min(t, steps.length - 1)]).flat(),
  );
  const shape = [targets.length, ...(over ? [time] : [])];
  return loss.kind === "sparseCategoricalCrossentropy" ? int32(shape, flat) : float64([...shape, first.length], flat);
}

/** State of a training that takes one step of w - g. */
export function plainState(weights: Tensors): Tensors {
  return { ...weights, "training/step": int32([], [0]) };
}

/** Feeds of such a step. */
export const plainRate = { "training/learningRate": float32([], [1]) };
