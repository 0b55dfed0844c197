/** The events of training and evaluation. */
import type { Json } from "../../nn/options.ts";
import type { Logs } from "./running.ts";

/** Where a pass over data stands. */
export interface StepEvent {
  /** From 1 to `steps`. */
  readonly step: number;
  readonly steps: number;
  /** The figures of the rows seen so far. */
  readonly logs: Logs;
}

/** One finished epoch, with its figures beside: `loss`, `accuracy`, `valLoss`, `valAccuracy`. */
export type EpochEvent = Logs & {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Of the whole epoch, validation included. */
  readonly seconds: number;
};

/** One finished step, with the running means of its epoch. `steps` is 0 where batches come from an iterable of unknown length. */
export interface TrainingStepEvent extends StepEvent {
  readonly epoch: number;
  readonly epochs: number;
}

/** The figures of all epochs. */
export interface History {
  readonly epochs: readonly EpochEvent[];
  /** Why training ended before its last epoch: what a callback said, or in `onEnd` the message of an error. */
  readonly stopped?: string;
}

/** Options of `snapshot`. */
export interface SnapshotOptions {
  readonly vocabulary?: Json;
  readonly metadata?: { readonly [key: string]: Json };
  /** The moving average of the weights, of an optimizer with `useEma`. Default false. */
  readonly averaged?: boolean;
}
