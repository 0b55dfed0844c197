/** Turns: whatever uses one session does so one after another, and the host gets its share of the time between. */
import { StateError } from "../errors.ts";
import { hostTurn } from "./hostTurn.ts";

/** Milliseconds of work after which the host gets a turn: less than a frame of a page. A turn costs some microseconds. */
const WORK = 15;

/**
 * The queue of one session. Code of the user (callbacks, iterables) never runs while a turn is held, so a callback may call the trainer or
 * predictor that it is called by.
 */
export class Turns {
  readonly #closedMessage: string;
  readonly #waiting: (() => void)[] = [];
  #held = false;
  #closed: Promise<void> | undefined;
  #lastHostTurn = Date.now();

  /** `closedMessage`: what whoever comes after `close` is told. */
  constructor(closedMessage: string) {
    this.#closedMessage = closedMessage;
  }

  /** @throws StateError after `close` */
  expectOpen(): void {
    if (this.#closed) throw new StateError(this.#closedMessage);
  }

  /** Waits until all who came before have given their turn back. @throws StateError after `close` */
  take(): Promise<void> {
    this.expectOpen();
    return this.#take();
  }

  async #take(): Promise<void> {
    if (this.#held) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#held = true;
  }

  /** Gives the turn to whoever has waited longest. */
  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#held = false;
  }

  /** Gives the turn back while the user's code runs. @throws StateError where the session was closed meanwhile */
  async lend(code: () => void | Promise<void>): Promise<void> {
    this.give();
    try {
      await code();
    } finally {
      await this.#take();
    }
    this.expectOpen();
  }

  /** Does `work` in a turn of its own. */
  async inTurn<T>(work: () => T | PromiseLike<T>): Promise<T> {
    await this.take();
    try {
      return await work();
    } finally {
      this.give();
    }
  }

  /** Lets the host have its turn where one is due; undefined where none is. */
  rest(): Promise<void> | undefined {
    if (Date.now() - this.#lastHostTurn < WORK) return undefined;
    return hostTurn().then(() => {
      this.#lastHostTurn = Date.now();
    });
  }

  /** Lets nobody else in, and releases the session once those who wait have had their turns. Again: the same promise. */
  close(release: () => PromiseLike<void>): Promise<void> {
    if (this.#closed) return this.#closed;
    const turn = this.inTurn(release);
    this.#closed = turn;
    return turn;
  }
}
