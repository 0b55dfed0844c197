/** What is shown while a model trains: a bar or lines for each epoch and its validation, and the figures at its end. */
import { setImmediate } from "node:timers/promises";
import type { FitOptions } from "@ostinato/core";
import { shownDuration, shownFigures } from "./format.ts";
import type { Output } from "./output.ts";

/** Hooks for a `fit` that begins in the epoch `first`. After each step they let signals and the terminal have their turn. */
export function progressHooks(
  output: Output,
  epochs: number,
  first: number,
): Pick<Required<FitOptions>, "onStep" | "onValidationStep" | "onEpoch"> {
  const title = (epoch: number) => `epoch ${epoch}/${epochs}`;
  let now = title(first);
  let progress = output.progress(now);
  const next = (what: string): void => {
    if (what === now) return;
    progress.stop();
    now = what;
    progress = output.progress(what);
  };
  const validation = (epoch: number) => `${title(epoch)} validation`;
  let running = first;
  return {
    onStep: async (event) => {
      progress.update(event.step, event.steps, event.logs);
      if (event.step === event.steps) next(validation(event.epoch));
      await setImmediate();
    },
    onValidationStep: async (event) => {
      next(validation(running)); // after a checkpoint of the epoch's last step no step has come before
      progress.update(event.step, event.steps, event.logs);
      await setImmediate();
    },
    onEpoch: (event) => {
      progress.stop();
      const { epoch, epochs: _, seconds, ...logs } = event;
      output.event({ event: "epoch", epoch, epochs, seconds, ...logs });
      output.say(`${title(epoch)}  done in ${shownDuration(seconds)}  ${shownFigures(logs)}`);
      running = epoch + 1;
      if (epoch < epochs) next(title(running));
    },
  };
}
