/** The threads beside the caller's: started with a session, asleep between runs, ended with the session. */
import { ResourceError } from "@ostinato/core";
import { type HostMemory, type HostThread, type Module, startThread } from "./host.ts";
import { control } from "./jobs.ts";

/** What a thread runs: it says that it is ready, and then waits for jobs inside of the module. */
const begin = `({ module, memory, thread }, ready) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  ready();
  exports.work(thread);
}`;

export class Team {
  readonly #words: Int32Array;
  readonly #threads: HostThread[] = [];
  #loss: string | undefined;
  #stopped = false;

  private constructor(memory: HostMemory) {
    this.#words = new Int32Array(memory.buffer, 0, control.arguments / 4);
  }

  /** Starts `threads - 1` threads, and waits until they are ready. */
  static async start(module: Module, memory: HostMemory, threads: number): Promise<Team> {
    const team = new Team(memory);
    const starts = Array.from({ length: threads - 1 }, (_, i) => team.#startOne({ module, memory, thread: i + 1 }));
    try {
      await Promise.all(starts);
    } catch (error) {
      await team.stop();
      throw error;
    }
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

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#threads.splice(0).map((thread) => thread.terminate()));
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
