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

/** Seconds that are still to come after a pass over the data that takes so many, as far as they can be told. */
export type Later = (pass: number) => number;

/** Times the steps. The first to come, in the middle of an epoch perhaps, is not counted where there are others: it compiles. */
function stopwatch(
  later: Later = () => 0,
): (step: number, steps: number) => { readonly pace: string; readonly left: string; readonly inAll: string } {
  const begin = performance.now();
  let first: { readonly step: number; readonly at: number } | undefined;
  return (step, steps) => {
    const now = performance.now();
    first ??= { step, at: now };
    const milliseconds = step === first.step ? now - begin : (now - first.at) / (step - first.step);
    const left = (milliseconds * (steps - step)) / 1000;
    const after = later((milliseconds * steps) / 1000);
    return {
      pace: `${shownPace(milliseconds)} ms/step`,
      left: `${shownDuration(left)} left`,
      inAll: after > 0 ? ` (${shownDuration(left + after)} in all)` : "",
    };
  };
}

function shownPace(milliseconds: number): string {
  return milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0);
}

/** Columns that the text beside a bar takes, and those of the time that all takes. */
const [besideBar, inAllColumns] = [85, 22];

/** A bar that is drawn over and over on a terminal. It tells the time of all where there is room. */
export function progressBar(title: string, terminal: { readonly columns?: number }, later?: Later): Progress {
  const time = stopwatch(later);
  const { columns = 80 } = terminal;
  const isWide = later !== undefined && columns >= besideBar + inAllColumns;
  const barsize = Math.max(5, Math.min(30, columns - besideBar - (isWide ? inAllColumns : 0)));
  const bar = new SingleBar({
    format: `${title} {bar} {value}/{total}  {pace}  {left}{figures}`,
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
      const { pace, left, inAll } = time(step, steps);
      const figures = Object.keys(logs).length > 0 ? `  ${shownFigures(logs)}` : "";
      const payload = { pace, left: isWide ? `${left}${inAll}` : left, figures };
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
export function progressLines(title: string, write: (line: string) => void, later?: Later): Progress {
  const time = stopwatch(later);
  let tenth = -1;
  return {
    update(step, steps, logs = {}) {
      const { pace, left, inAll } = time(step, steps);
      const reached = Math.floor((step * 10) / steps);
      if (reached === tenth) return;
      tenth = reached;
      const figures = Object.keys(logs).length > 0 ? [shownFigures(logs)] : [];
      write([title, `step ${step}/${steps}`, pace, `${left}${inAll}`, ...figures].join("  "));
    },
    stop: () => {},
  };
}
