/** The measuring side of the conversation: one process a contestant, told when to step, so that all can take turns. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";

export interface Entry {
  /** Who it is in the summary, whatever its version and settings. */
  readonly peer: string;
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly threads: number;
  /** Of the entries that try the same in several ways only the fastest, and those near to it, take part in the rounds. */
  readonly tries?: string;
  /** With settings that one has to know of left as they come. */
  readonly outOfBox?: boolean;
  /** It does other work: it is not compared, neither its time nor its results. */
  readonly aside?: boolean;
}

/** What a contestant says before its first step, or with the first answer. */
export interface Facts {
  readonly version?: string;
  /** The BLAS that was loaded. */
  readonly blas?: string | null;
  /** Which of its own ways it found the fastest. */
  readonly way?: string;
  readonly probabilities?: readonly number[];
  readonly first?: number;
}

export interface Steps {
  readonly ms: readonly number[];
  readonly losses: readonly number[];
}

/** It could not be started, or it ended: the message is the last that it said. */
export class ContestantError extends Error {
  override readonly name = "ContestantError";
}

export class Contestant implements AsyncDisposable {
  readonly entry: Entry;
  facts: Facts = {};
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #said = "";
  #failure: Error | undefined;

  private constructor(entry: Entry) {
    this.entry = entry;
    const threads = String(entry.threads);
    this.#child = spawn(entry.command, [...entry.args], {
      stdio: ["pipe", "pipe", "pipe"],
      // OpenMP's and OpenBLAS's threads are counted apart.
      env: {
        ...process.env,
        OMP_NUM_THREADS: threads,
        OPENBLAS_NUM_THREADS: threads,
        PYTHONDONTWRITEBYTECODE: "1",
      },
    });
    this.#child.on("error", (error) => {
      this.#failure = error;
    });
    this.#child.stdin.on("error", (error) => {
      this.#failure ??= error;
    });
    this.#child.stderr.on("data", (data: Buffer) => {
      this.#said = (this.#said + String(data)).slice(-2000);
    });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** @throws ContestantError */
  static async start(entry: Entry): Promise<Contestant> {
    const contestant = new Contestant(entry);
    contestant.facts = (await contestant.#answer()) as Facts;
    return contestant;
  }

  /** The times of so many steps. @throws ContestantError */
  async run(steps: number): Promise<Steps> {
    this.#child.stdin.write(`${steps}\n`);
    const { facts, ...answer } = (await this.#answer()) as Pick<Steps, "ms"> & { facts?: Facts };
    this.facts = { ...this.facts, ...facts };
    return { losses: [], ...answer };
  }

  async #answer(): Promise<unknown> {
    // A library may greet on standard output: only lines of JSON are answers.
    for (;;) {
      const { value, done } = await this.#answers.next();
      if (done) {
        const said = this.#said.split("\n").filter((line) => line.trim() !== "");
        const reason = said.find((line) => line.includes("Error")) ?? said.at(-1);
        throw new ContestantError(this.#failure?.message ?? reason ?? "it ended without a word");
      }
      if (value.startsWith("{")) return JSON.parse(value);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill();
    await ended;
    this.#lines.close();
  }
}
