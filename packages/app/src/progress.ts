/** How far a pass over the data is: steps, time a step, time left, running figures. */
import type { Logs } from "@ostinato/core";
import { SingleBar } from "cli-progress";
import { shownDuration, shownFigures } from "./format.ts";

export interface Progress {
  /** Step `step` of `steps` is done; `logs` are the running figures. */
  update(step: number, steps: number, logs?: Logs): void;
  stop(): void;
}

export const silentProgress: Progress = { update: () => {}, stop: () => {} };

/** Times the steps. The first to come, in the middle of an epoch perhaps, is not counted where there are others: it compiles. */
function stopwatch(): (step: number, steps: number) => { readonly pace: string; readonly left: string } {
  const begin = performance.now();
  let first: { readonly step: number; readonly at: number } | undefined;
  return (step, steps) => {
    const now = performance.now();
    first ??= { step, at: now };
    const milliseconds = step === first.step ? now - begin : (now - first.at) / (step - first.step);
    return { pace: `${shownPace(milliseconds)} ms/step`, left: shownDuration((milliseconds * (steps - step)) / 1000) };
  };
}

function shownPace(milliseconds: number): string {
  return milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0);
}

/** A bar that is drawn over and over on a terminal. */
export function progressBar(title: string, terminal: { readonly columns?: number }): Progress {
  const time = stopwatch();
  // The text beside the bar takes up to 85 columns.
  const barsize = Math.max(5, Math.min(30, (terminal.columns ?? 80) - 85));
  const bar = new SingleBar({
    format: `${title} {bar} {value}/{total}  {pace}  {left} left{figures}`,
    barsize,
    barCompleteChar: "━",
    barIncompleteChar: "─",
    linewrap: true,
    gracefulExit: false,
    stream: terminal as NodeJS.WritableStream,
  });
  let started = false;
  return {
    update(step, steps, logs = {}) {
      const payload = { ...time(step, steps), figures: Object.keys(logs).length > 0 ? `  ${shownFigures(logs)}` : "" };
      if (!started) bar.start(steps, step, payload);
      else bar.update(step, payload);
      started = true;
    },
    stop() {
      if (started) bar.stop();
      started = false;
    },
  };
}

/** One line for the first step and for each tenth of the way. */
export function progressLines(title: string, write: (line: string) => void): Progress {
  const time = stopwatch();
  let tenth = -1;
  return {
    update(step, steps, logs = {}) {
      const { pace, left } = time(step, steps);
      const reached = Math.floor((step * 10) / steps);
      if (reached === tenth) return;
      tenth = reached;
      const figures = Object.keys(logs).length > 0 ? [shownFigures(logs)] : [];
      write([title, `step ${step}/${steps}`, pace, `${left} left`, ...figures].join("  "));
    },
    stop: () => {},
  };
}
