/** Ctrl-C and SIGTERM: the first leaves time to save what must not be lost, the second ends the process at once. */

/** The signals, each with the exit code that shells give it. */
const exitCodesOf = { SIGINT: 130, SIGTERM: 143 } as const;
type SignalName = keyof typeof exitCodesOf;
const signalNames = Object.keys(exitCodesOf) as SignalName[];

/** npm and the starter pass on a Ctrl-C that the terminal has sent already: within this time it is the same one. */
const sameMilliseconds = 500;

/** Work that was stopped by a signal, with what is left of it in the message. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  readonly code: number;

  constructor(code: number, message = "interrupted") {
    super(message);
    this.code = code;
  }
}

/** What the user is told, and how the process ends. */
export interface Ending {
  /** A held signal has come: saving begins. */
  onHeld(): void;
  /** Nothing is held, or a second signal has come. */
  onEnd(code: number): void;
}

/** Listens for signals until disposed. */
export class Interruption implements Disposable {
  readonly #ending: Ending;
  #controller: AbortController | undefined;
  #since = Number.NEGATIVE_INFINITY;

  constructor(ending: Ending) {
    this.#ending = ending;
    for (const name of signalNames) process.on(name, this.#listener);
  }

  readonly #listener = (name: SignalName): void => {
    const held = this.#controller;
    if (performance.now() - this.#since <= sameMilliseconds) return;
    if (held === undefined || held.signal.aborted) {
      this.#ending.onEnd(exitCodesOf[name]);
    } else {
      this.#since = performance.now();
      this.#ending.onHeld();
      held.abort(new InterruptedError(exitCodesOf[name]));
    }
  };

  /** Runs `work`; the first signal that comes meanwhile aborts the signal given to it, and does not end the process. */
  async hold<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#controller = controller;
    try {
      return await work(controller.signal);
    } finally {
      this.#controller = undefined;
    }
  }

  [Symbol.dispose](): void {
    for (const name of signalNames) process.off(name, this.#listener);
  }
}
