/** What is kept of a training's course: the figures of each epoch, and of the parts of each. No times: the same training has the same bytes. */
import type { Callback, EpochEvent, Logs, History as Trained, TrainingStepEvent } from "@ostinato/core";

/** Means over a stretch of an epoch. */
export type Part = Logs & {
  /** Where the stretch ends: 0.5 is half of the first epoch. */
  readonly epoch: number;
};

export interface History {
  readonly epochs: readonly (Logs & { readonly epoch: number })[];
  readonly parts: readonly Part[];
  /** Why training ended before its last epoch. */
  readonly stopped?: string;
}

const partsPerEpoch = 20;

/** Running means of an epoch, and the step that they reach to. */
type Before = { readonly step: number; readonly logs: Logs };

export interface PartRecorder {
  readonly parts: readonly Part[];
  add(event: TrainingStepEvent): void;
  /** Adds every step, and keeps the parts in checkpoints. */
  readonly callback: Callback;
}

/** Cuts each epoch into stretches, and takes the running means, which begin anew each epoch, apart into the means of each. */
export function partRecorder(): PartRecorder {
  let parts: Part[] = [];
  let before: Before = { step: 0, logs: {} };
  const add = ({ epoch, step, steps, logs }: TrainingStepEvent): void => {
    if (step === 1) before = { step: 0, logs: {} };
    const reached = Math.floor((step * partsPerEpoch) / steps);
    if (reached === Math.floor((before.step * partsPerEpoch) / steps)) return;
    const means = Object.entries(logs).map(([name, mean]) => {
      const sumBefore = (before.logs[name] ?? 0) * before.step;
      return [name, (mean * step - sumBefore) / (step - before.step)] as const;
    });
    parts.push({ epoch: epoch - 1 + step / steps, ...Object.fromEntries(means) });
    before = { step, logs };
  };
  return {
    get parts() {
      return parts;
    },
    add,
    callback: {
      name: "parts",
      onStep: add,
      state: () => ({ data: { parts, before: { ...before } } }),
      restore({ data }) {
        // A checkpoint of this app, whose settings have been compared: it has what `state` gave.
        const kept = data as { readonly parts: readonly Part[]; readonly before: Before };
        parts = [...kept.parts];
        before = kept.before;
      },
    },
  };
}

/** The course of a training without its times, and without how many epochs were asked for, which may change on the way. */
export function historyOf({ epochs, stopped }: Trained, parts: readonly Part[]): History {
  const figures = epochs.map(({ seconds: _, epochs: __, ...rest }: EpochEvent) => rest);
  return { epochs: figures as History["epochs"], parts, ...(stopped === undefined ? {} : { stopped }) };
}
