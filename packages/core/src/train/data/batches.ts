/** Batches that come from an iterable: how many make an epoch, and which of them a checkpoint has seen. */
import { ConfigError, DataError } from "../../errors.ts";
import type { Examples } from "./dataset.ts";

export type BatchIterable = Iterable<Examples> | AsyncIterable<Examples>;

export function isBatches(data: unknown): data is BatchIterable {
  return typeof data === "object" && data !== null && (Symbol.iterator in data || Symbol.asyncIterator in data);
}

/** A generator or another iterator: it gives its batches once. */
const givesOnce = (source: BatchIterable): boolean => "next" in source && typeof source.next === "function";

/** The batches of one epoch after another. */
export class Batches {
  readonly #source: BatchIterable;
  /** No batch was taken yet of those that run. */
  #begun = false;
  /** Absent: an epoch is all that the iterable gives. */
  readonly stepsPerEpoch: number | undefined;
  /** The batch that was given last is the first of all. */
  anew = false;
  #running: AsyncIterator<Examples> | Iterator<Examples> | undefined;

  /** @throws ConfigError where the batches can be had once, and several epochs want all of them */
  constructor(source: BatchIterable, stepsPerEpoch: number | undefined, epochs: number) {
    if (stepsPerEpoch === undefined && epochs > 1 && givesOnce(source))
      throw new ConfigError(
        `fit: a generator gives its batches once, and ${epochs} epochs need them again; give stepsPerEpoch, or an object whose [Symbol.iterator]() begins anew`,
      );
    this.#source = source;
    this.stepsPerEpoch = stepsPerEpoch;
  }

  /**
   * The batches of epoch `epoch`, from 0, of which the first `step` were seen before. The first call may be for any epoch: earlier batches
   * are taken and dropped, and `dropped` is called after each.
   *
   * @throws DataError where there are too few; what `dropped` throws
   */
  async *epoch(epoch: number, step: number, dropped: () => Promise<void>): AsyncGenerator<Examples> {
    if (this.stepsPerEpoch !== undefined) {
      yield* this.#next(epoch, step, this.stepsPerEpoch, dropped);
      return;
    }
    let seen = 0;
    for await (const batch of this.#source) {
      seen += 1;
      this.anew = seen === 1;
      if (seen > step) yield batch;
      else await dropped();
    }
    if (seen === 0) {
      throw new DataError(
        `epoch ${epoch + 1}: the iterable of batches gave none; more than one epoch needs an iterable that can be walked again`,
      );
    }
    if (seen < step) throw tooFew(epoch, seen, step);
  }

  async *#next(epoch: number, step: number, steps: number, dropped: () => Promise<void>): AsyncGenerator<Examples> {
    if (this.#running === undefined) {
      this.#begin();
      const before = epoch * steps + step;
      for (let seen = 0; seen < before; seen++) {
        if ((await this.#take()) === undefined) throw tooFew(epoch, seen, before);
        await dropped();
      }
    }
    for (let at = step; at < steps; at++) {
      const batch = await this.#take();
      if (batch === undefined)
        throw new DataError(
          `epoch ${epoch + 1}: the batches ended after ${at} of ${steps} steps; give more of them, fewer stepsPerEpoch, or an iterable that can begin anew`,
        );
      yield batch;
    }
  }

  #begin(): void {
    const source = this.#source;
    this.#begun = true;
    this.#running = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** The next batch; after the last one the first again, where the iterable can begin anew. */
  async #take(): Promise<Examples | undefined> {
    this.anew = this.#begun;
    this.#begun = false;
    const next = await this.#running?.next();
    if (next && !next.done) return next.value;
    if (givesOnce(this.#source)) return undefined;
    this.#begin();
    this.#begun = false;
    this.anew = true;
    const first = await this.#running?.next();
    return first && !first.done ? first.value : undefined;
  }

  /** Lets the iterable close what it holds, as no more batches are wanted. A second call does nothing. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.return?.();
  }
}

const tooFew = (epoch: number, seen: number, wanted: number): DataError =>
  new DataError(
    `epoch ${epoch + 1}: the iterable of batches gave ${seen}, and ${wanted} were seen before the checkpoint; give the same batches`,
  );
