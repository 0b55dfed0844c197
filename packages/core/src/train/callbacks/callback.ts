/** Callbacks: what happens beside training, and what they may do to it. */

import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import type { Json } from "../../nn/options.ts";
import type { Trained } from "../../nn/trained.ts";
import type { Tensors } from "../../tensor.ts";
import type { EpochEvent, History, SnapshotOptions, TrainingStepEvent } from "../evaluation/events.ts";

/** What a callback may do. It is called between steps, so all of it is consistent. */
export interface TrainingControl {
  /** The names of the figures that epochs have: `loss`, the metrics, and `valLoss`, … where there is validation. */
  readonly figures: readonly string[];
  /** What a figure is called without its output and without validation: `valToneAccuracy` → `accuracy`. */
  metricOf(figure: string): string;
  /** The learning rate of the next step. Where the optimizer has a schedule it cannot be set: that is a `ConfigError`. */
  learningRate: number;
  /**
   * Ends training for good: after this step, with which its epoch ends, or after the epoch's callbacks. `reason` goes into the history. What
   * is resumed from here trains no further; to pause, give `fit` a `signal`.
   */
  stop(reason: string): void;
  /** The model as it is now. */
  snapshot(options?: SnapshotOptions): Promise<Trained>;
  /** Copies of the parameters. */
  readWeights(): Promise<Tensors>;
  /** Replaces parameters, by name. @throws ConfigError, ShapeError */
  writeWeights(weights: Tensors): Promise<void>;
  /**
   * All that is needed to go on from here, exactly: state, position, and what the callbacks know.
   *
   * @throws StateError where a callback that keeps a state has yet to be told of this step or epoch: be `last`
   */
  checkpoint(): Promise<Checkpoint>;
}

/** What a callback keeps from one step to the next: it goes into checkpoints, and comes back from them. */
export interface CallbackState {
  readonly data: Json;
  readonly tensors?: Tensors;
}

/** What `fit` calls while it trains. All methods may be left out, and may be asynchronous except `state`. */
export interface Callback {
  /** The key of its state in checkpoints: no two callbacks of one `fit` share it. */
  readonly name: string;
  /** Called after all others: what it sees of them is final. */
  readonly last?: boolean;
  /** Before the first step, and after `restore` where training goes on from a checkpoint. */
  onStart?(control: TrainingControl): void | Promise<void>;
  onStep?(event: TrainingStepEvent, control: TrainingControl): void | Promise<void>;
  onEpoch?(event: EpochEvent, control: TrainingControl): void | Promise<void>;
  /** After the last step, however training ended. After a signal or an error `history.stopped` has its message; `fit` throws it afterwards. */
  onEnd?(history: History, control: TrainingControl): void | Promise<void>;
  state?(): CallbackState;
  /** Takes back what `state` gave, in another process perhaps; before `onStart`. */
  restore?(state: CallbackState): void | Promise<void>;
}
