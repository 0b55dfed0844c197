/** What is shown while a model trains: a bar or lines for each epoch and its validation, and the figures at its end. */
import { setImmediate } from "node:timers/promises";
import type { FitOptions } from "@ostinato/core";
import { type ShownBy, shownDuration, shownFigures } from "./format.ts";
import type { Output } from "./output.ts";
import type { Progress } from "./progress.ts";

/** Hooks for a `fit` that begins in the epoch `first`. After each step they let signals and the terminal have their turn. */
export function progressHooks(
  output: Output,
  epochs: number,
  first: number,
  shownBy: ShownBy = {},
): Pick<Required<FitOptions>, "onStep" | "onValidationStep" | "onEpoch"> {
  const title = (epoch: number) => `epoch ${epoch}/${epochs}`;
  /** When the epoch that runs began, and how long the one before took, with its validation and all else. */
  let begun = performance.now();
  let before: number | undefined;
  const opened = (epoch: number) => output.progress(title(epoch), (pass) => (epochs - epoch) * (before ?? pass));
  let now = title(first);
  let progress = opened(first);
  const next = (what: string, open: () => Progress): void => {
    if (what === now) return;
    progress.stop();
    now = what;
    progress = open();
  };
  const validating = (epoch: number): void => {
    const what = `${title(epoch)} validation`;
    next(what, () => output.progress(what));
  };
  let running = first;
  return {
    onStep: async (event) => {
      progress.update(event.step, event.steps, event.logs);
      if (event.step === event.steps) validating(event.epoch);
      await setImmediate();
    },
    onValidationStep: async (event) => {
      validating(running); // after a checkpoint of the epoch's last step no step has come before
      progress.update(event.step, event.steps, event.logs);
      await setImmediate();
    },
    onEpoch: (event) => {
      progress.stop();
      const { epoch, epochs: _, seconds, ...logs } = event;
      output.event({ event: "epoch", epoch, epochs, seconds, ...logs });
      output.say(`${title(epoch)}  done in ${shownDuration(seconds)}  ${shownFigures(logs, shownBy)}`);
      running = epoch + 1;
      // Of a resumed epoch only a part is seen here; its seconds are those of all its steps, without what comes after them.
      before = Math.max(seconds, (performance.now() - begun) / 1000);
      begun = performance.now();
      if (epoch < epochs) next(title(running), () => opened(running));
    },
  };
}
