/** The contestants' side of the conversation: a line with a number of steps comes in, a line of JSON with their times goes out. */
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Job } from "../job.ts";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** How many steps are wanted next; ends the process when nobody asks any more. */
async function wanted(): Promise<number> {
  const line = await lines.next();
  if (line.done) process.exit(0);
  return Number(line.value);
}

function say(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** Stands between steps: lets as many through as are wanted, and tells how long each took. */
export interface Gate {
  /** To be called once before the first step. */
  open(facts?: object): Promise<void>;
  /** To be called after each step. */
  pass(loss?: number): Promise<void>;
}

/** `clock` tells milliseconds. */
export function gate(clock = () => performance.now()): Gate {
  let left = 0;
  let since = 0;
  let ms: number[] = [];
  let losses: number[] = [];
  const next = async (): Promise<void> => {
    left = await wanted();
    ms = [];
    losses = [];
    since = clock();
  };
  return {
    async open(facts = {}) {
      say({ ready: true, ...facts });
      await next();
    },
    async pass(loss) {
      ms.push(clock() - since);
      if (loss !== undefined) losses.push(loss);
      left -= 1;
      if (left > 0) {
        since = clock();
        return;
      }
      say({ ms, losses });
      await next();
    },
  };
}

/** Runs what is wanted of a function, for ever. */
export async function repeat(step: () => number | undefined | Promise<number | undefined>, facts?: object) {
  const { open, pass } = gate();
  await open(facts);
  for (;;) await pass(await step());
}

/** The file and the options that the process was started with. */
export async function given<Options, Given = Job>(): Promise<{ job: Given; options: Options }> {
  const [, , file = "", options = "{}"] = process.argv;
  return { job: JSON.parse(await readFile(file, "utf8")), options: JSON.parse(options) };
}
