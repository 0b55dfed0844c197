/**
 * How much more two threads compute than one, at the moment: twice as much on two cores of one's own, little more on one core that a
 * virtual machine shows as two. No contestant can do better than that on two threads.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** Twelve chains of multiplications and additions keep the units of a core busy, whichever thread of it they come from. */
const work = `
const { workerData: turns, parentPort: port } = require("node:worker_threads");
function compute(count) {
  let a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, g = 1, h = 1, i = 1, j = 1, k = 1, l = 1;
  const x = 0.999999, y = 1e-6;
  for (; count > 0; count--) {
    a = a * x + y; b = b * x + y; c = c * x + y; d = d * x + y; e = e * x + y; f = f * x + y;
    g = g * x + y; h = h * x + y; i = i * x + y; j = j * x + y; k = k * x + y; l = l * x + y;
  }
  return a + b + c + d + e + f + g + h + i + j + k + l;
}
compute(turns);
port.on("message", () => { const start = performance.now(); const sum = compute(turns); port.postMessage([performance.now() - start, sum]); });
port.postMessage(0);`;
/** Some 15 ms. */
const TURNS = 8_000_000;

export class CoreMeter implements AsyncDisposable {
  readonly #threads: readonly Worker[];
  #readings: number[] = [];

  private constructor(threads: readonly Worker[]) {
    this.#threads = threads;
  }

  static async start(): Promise<CoreMeter> {
    const threads = [0, 1].map(() => new Worker(work, { eval: true, workerData: TURNS }));
    await Promise.all(threads.map((thread) => once(thread, "message")));
    return new CoreMeter(threads);
  }

  /** Takes a reading: both threads alone, and both at once. */
  async read(): Promise<void> {
    const time = async (thread: Worker): Promise<number> => {
      thread.postMessage(0);
      const [[ms]] = await once(thread, "message");
      return ms;
    };
    let alone = 0;
    for (const thread of this.#threads) alone += await time(thread);
    const together = await Promise.all(this.#threads.map(time));
    this.#readings.push(alone / Math.max(...together));
  }

  /** What was read since the last time, in words. */
  describe(): string {
    const sorted = this.#readings.toSorted((a, b) => a - b);
    this.#readings = [];
    const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
    return `Meanwhile two threads of plain arithmetic computed ${at(0.5)} times as much as one (${at(0)} to ${at(1)}).`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}
