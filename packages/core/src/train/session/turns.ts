/** The queue of one session: its users take turns, and between two turns the host's event loop runs. */
import { StateError } from "../../errors.ts";
import { hostRests } from "./hostTurn.ts";

/**
 * The queue of one session. Code of the user (callbacks, iterables) never runs while a turn is held, so a callback may call the trainer or
 * predictor that it is called by.
 */
export class Turns {
  readonly #closedMessage: string;
  readonly #waiting: (() => void)[] = [];
  #held = false;
  #closed: Promise<void> | undefined;
  /** Lets the host's event loop run where that is due; undefined where it is not. */
  readonly rest = hostRests();

  /** @param closedMessage the message of the `StateError` after `close` */
  constructor(closedMessage: string) {
    this.#closedMessage = closedMessage;
  }

  /** @throws StateError after `close` */
  expectOpen(): void {
    if (this.#closed) throw new StateError(this.#closedMessage);
  }

  /** Takes a turn, once all earlier calls have given theirs back. @throws StateError after `close` */
  take(): Promise<void> {
    this.expectOpen();
    return this.#take();
  }

  async #take(): Promise<void> {
    if (this.#held) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#held = true;
  }

  /** Gives the turn back; the call that has waited longest has the next. */
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

  /** Refuses later calls, and releases the session after those that wait. A second call returns the same promise. */
  close(release: () => PromiseLike<void>): Promise<void> {
    if (this.#closed) return this.#closed;
    const turn = this.inTurn(release);
    this.#closed = turn;
    return turn;
  }
}
