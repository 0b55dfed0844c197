/** What is kept of a training's course: the figures of each epoch, and of the parts of each. */
import type { EpochEvent, Logs, TrainingStepEvent } from "@ostinato/core";

/** Means over a stretch of an epoch. */
export type Part = Logs & {
  /** Where the stretch ends: 0.5 is half of the first epoch. */
  readonly epoch: number;
};

export interface History {
  readonly epochs: readonly EpochEvent[];
  readonly parts: readonly Part[];
}

const partsPerEpoch = 20;

/** Cuts each epoch into stretches, and takes the running means, which begin anew each epoch, apart into the means of each. */
export function partRecorder(): { readonly parts: readonly Part[]; add(event: TrainingStepEvent): void } {
  const parts: Part[] = [];
  let before: { readonly step: number; readonly logs: Logs } = { step: 0, logs: {} };
  return {
    parts,
    add({ epoch, step, steps, logs }) {
      if (step === 1) before = { step: 0, logs: {} };
      const reached = Math.floor((step * partsPerEpoch) / steps);
      if (reached === Math.floor((before.step * partsPerEpoch) / steps)) return;
      const means = Object.entries(logs).map(([name, mean]) => {
        const sumBefore = (before.logs[name] ?? 0) * before.step;
        return [name, (mean * step - sumBefore) / (step - before.step)] as const;
      });
      parts.push({ epoch: epoch - 1 + step / steps, ...Object.fromEntries(means) });
      before = { step, logs };
    },
  };
}
