/** The threads beside the caller's: started with a session, asleep between runs, ended with the session. */
import { ResourceError } from "@ostinato/core";
import { now } from "./host/globals.ts";
import type { HostMemory, Module } from "./host/modules.ts";
import { type HostThread, startThread } from "./host/threads.ts";
import { control } from "./protocol.ts";

/** What a thread runs: it says that it is ready, and then waits for jobs inside of the module. */
const begin = `({ module, memory, thread }, ready) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  ready();
  exports.work(thread);
}`;

export class Team {
  /** When threads of any session were last told to end, on the host's clock. */
  static lastEnd = Number.NEGATIVE_INFINITY;
  readonly #words: Int32Array;
  readonly #threads: HostThread[] = [];
  /** Fulfilled when all threads are there, or when they were ended before that. */
  ready: Promise<void> = Promise.resolve();
  #end: () => void = () => {};
  #stopping: Promise<unknown> | undefined;
  #loss: string | undefined;
  #stopped = false;

  private constructor(memory: HostMemory) {
    this.#words = new Int32Array(memory.buffer, 0, control.arguments / 4);
  }

  /** Starts `threads - 1` threads. They are there when `ready` is fulfilled; it rejects, and all end, where one of them cannot be started. */
  static start(module: Module, memory: HostMemory, threads: number): Team {
    const team = new Team(memory);
    const starts = Array.from({ length: threads - 1 }, (_, i) => team.#startOne({ module, memory, thread: i + 1 }));
    const started = Promise.all(starts).then(
      () => {},
      async (error) => {
        await team.stop();
        throw error;
      },
    );
    // A thread that is ended while it starts need not say so.
    const ended = new Promise<void>((resolve) => {
      team.#end = resolve;
    });
    team.ready = Promise.race([started, ended]);
    team.ready.catch(() => {});
    return team;
  }

  /** Throws where a thread was lost. */
  expectComplete(): void {
    if (this.#loss !== undefined) throw this.loss(this.#loss);
  }

  /** The error of a lost thread; the session is of no use after it, and its other threads end. */
  loss(why: string): ResourceError {
    this.#lose(why);
    void this.stop();
    return new ResourceError(
      `wasm: a thread of this session was lost (${why}); open another session. The state of before can still be read`,
    );
  }

  /** Ends all threads; fulfilled when they have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#threads.length > 0) Team.lastEnd = now();
    this.#stopping ??= Promise.all(this.#threads.map((thread) => thread.terminate()));
    // After a loss `ready` rejects.
    if (this.#loss === undefined) this.#end();
    await this.#stopping;
  }

  #startOne(message: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const lost = (why: string): void => {
        reject(new ResourceError(`wasm: a thread could not be started (${why}); wasm({ threads: 1 }) needs none`));
        this.#lose(why);
      };
      try {
        this.#threads.push(startThread(begin, message, resolve, lost));
      } catch (error) {
        lost(String(error));
      }
    });
  }

  /** Remembers the loss, and lets those who wait in the module know. */
  #lose(why: string): void {
    if (this.#stopped) return;
    this.#loss ??= why;
    // Without other threads the memory is not shared, and its buffer is another one after it has grown.
    if (this.#threads.length > 0) Atomics.store(this.#words, control.lost / 4, 1);
  }
}
