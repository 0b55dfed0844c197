/** A figure of validation that no metric can tell, such as how many whole spans are right: the app computes it after each epoch, and the best epoch is chosen by it. */
import type { Callback, Checkpoint, EpochEvent, SnapshotOptions, Trained, TrainingControl } from "@ostinato/core";

/** What an app computes of the model after each epoch. */
export interface Score {
  /** As it stands among the figures of an epoch: `valSpanF1`. */
  readonly name: string;
  /** The same in words. */
  readonly title: string;
  /** Whether the best is the highest, the default, or the lowest. */
  readonly mode?: "max" | "min";
  /** As people read it. Default: with four decimals. */
  readonly shown?: (figure: number) => string;
  of(trained: Trained): Promise<number>;
}

/** The scores of a training. */
export interface ScoreKeeper {
  /** Computes the score of each epoch, before all others, and keeps them in checkpoints. */
  readonly callback: Callback;
  /** The epoch with its score among its figures. */
  scored(event: EpochEvent): EpochEvent;
  /** A callback that sees the scores among the figures. */
  seeing(callback: Callback): Callback;
}

/** As the part of checkpoints with the scores is called. */
const part = "score";

interface Kept {
  /** Absent in checkpoints from before there were several. */
  readonly name?: string;
  readonly scores: readonly number[];
}

/** The name of the score that a training of this app was measured by until this checkpoint; undefined where the checkpoint does not tell. */
export const scoreNameIn = ({ callbacks }: Checkpoint): string | undefined =>
  (callbacks[part] as Kept | undefined)?.name;

export function scoreKeeper({ name, of }: Score, snapshot: SnapshotOptions): ScoreKeeper {
  let scores: readonly number[] = [];
  const scored = (event: EpochEvent): EpochEvent => ({ ...event, [name]: scores[event.epoch - 1] as number });
  const withName = (control: TrainingControl): TrainingControl =>
    Object.create(control, { figures: { value: [...control.figures, name] } }) as TrainingControl;
  return {
    callback: {
      name: part,
      async onEpoch({ epoch }, control) {
        const score = await of(await control.snapshot(snapshot));
        scores = [...scores.slice(0, epoch - 1), score];
      },
      state: () => ({ data: { name, scores } }),
      restore({ data }) {
        // A checkpoint of this app, whose settings have been compared: it has what `state` gave.
        scores = (data as unknown as Kept).scores;
      },
    },
    scored,
    seeing: (callback) => ({
      ...callback,
      onStart: (control) => callback.onStart?.(withName(control)),
      onEpoch: (event, control) => callback.onEpoch?.(scored(event), control),
    }),
  };
}
