/** The memory of a session: WebAssembly's, with the module over it and the threads that share it. */
import type { Memory, View } from "@ostinato/backend-cpu";
import { ResourceError } from "@ostinato/core";
import type { Binary } from "./binary.ts";
import { now, pause } from "./host/globals.ts";
import { createHostMemory, type HostMemory, instantiate } from "./host/modules.ts";
import { maySleep } from "./host/threads.ts";
import { CONTROL_BYTES, control, type Job, jobNames } from "./protocol.ts";
import { Team } from "./team.ts";

const PAGE = 65536;
/** The most pages of a 32-bit memory, and what to ask for where the host will not promise so many. */
const MOST_PAGES = 65536;
const FEWER_PAGES = 16384;
/** Naps of 50 ms that threads wait for each other before one of them counts as lost. */
const PATIENCE = 400;

const bytesOf = { float32: 4, int32: 4, bool: 1 } as const;

interface Exports {
  run(job: number, together: boolean, wakes: boolean): number;
}

/** Made by `open`. Kernels of the CPU backend find the same views as in their own memory. */
export class WasmMemory implements Memory {
  f32: Float32Array = new Float32Array(0);
  f64: Float64Array = new Float64Array(0);
  i32: Int32Array = new Int32Array(0);
  u8: Uint8Array = new Uint8Array(0);
  /** The arguments of the next job. */
  arguments: Int32Array = new Int32Array(0);
  scratch = 0;
  /** Threads that take part in a job, the caller's among them. */
  readonly threads: number;
  readonly #memory: HostMemory;
  readonly #mostPages: number;
  readonly #exports: Exports;
  readonly #team: Team;
  #running = false;

  private constructor(memory: HostMemory, mostPages: number, exports: Exports, team: Team, threads: number) {
    this.#memory = memory;
    this.#mostPages = mostPages;
    this.#exports = exports;
    this.#team = team;
    this.threads = threads;
    this.#look();
  }

  /** Makes a memory and an instance of the module over it, and starts the other threads: they are there when `ready` is fulfilled. */
  static async open(binary: Binary, threads: number, patience = PATIENCE): Promise<WasmMemory> {
    const { memory, mostPages } = await allocateInTime(threads > 1);
    const words = new Int32Array(memory.buffer, 0, CONTROL_BYTES / 4);
    words[control.threads / 4] = threads;
    words[control.pending / 4] = threads - 1;
    words[control.maySleep / 4] = maySleep() ? 1 : 0;
    words[control.patience / 4] = patience;
    words[control.wide / 4] = binary.simd === "wide" ? 1 : 0;
    const exports = await instantiate(binary.module, { env: { memory } });
    const team = Team.start(binary.module, memory, threads);
    return new WasmMemory(memory, mostPages, exports as Exports, team, threads);
  }

  get ready(): Promise<void> {
    return this.#team.ready;
  }

  /** The address of a view's first element in the module, 0 for an output that nothing reads. */
  address({ dtype, offset }: View): number {
    return offset < 0 ? 0 : CONTROL_BYTES + offset * bytesOf[dtype];
  }

  /** The address in the module of a byte of this memory. */
  addressOf(byte: number): number {
    return CONTROL_BYTES + byte;
  }

  /** @throws ResourceError where a thread was lost, or a run was broken off: before anything is written that a thread may still read. */
  expectUsable(): void {
    if (this.#running) throw this.#team.loss("a run was broken off");
    this.#team.expectComplete();
  }

  /**
   * Runs a job whose arguments are set: on all threads, or on the caller's alone. A job for which it does not pay to wake threads is for all of them only if
   * none sleeps.
   */
  run(job: Job, together: boolean, wakes = together): void {
    this.expectUsable();
    // Stays true where the host breaks off a run from outside, without any `finally`: the threads are then not where the next job expects them.
    this.#running = together && this.threads > 1;
    const complete = this.#exports.run(jobNames.indexOf(job), together, wakes);
    this.#running = false;
    if (!complete) throw this.#team.loss("it did not answer");
  }

  reserve(bytes: number): void {
    const missing = Math.ceil((CONTROL_BYTES + bytes) / PAGE) - this.#memory.buffer.byteLength / PAGE;
    if (missing <= 0) return;
    try {
      this.#memory.grow(missing);
    } catch (cause) {
      throw new ResourceError(
        `wasm: the memory of this session cannot grow to ${Math.ceil(bytes / 2 ** 20)} MB (the most is ${
          (this.#mostPages * PAGE) / 2 ** 20
        }); lower the batch size, the longest sequence, or the size of the model`,
        { cause },
      );
    }
    this.#look();
  }

  async dispose(): Promise<void> {
    await this.#team.stop();
  }

  #look(): void {
    const { buffer } = this.#memory;
    this.f32 = new Float32Array(buffer, CONTROL_BYTES);
    this.f64 = new Float64Array(buffer, CONTROL_BYTES);
    this.i32 = new Int32Array(buffer, CONTROL_BYTES);
    this.u8 = new Uint8Array(buffer, CONTROL_BYTES);
    this.arguments = new Int32Array(buffer, control.arguments, (CONTROL_BYTES - control.arguments) / 4);
  }
}

/** Milliseconds after which a thread that was ended is gone, in browsers too: Chromium gives it two seconds, and holds its memory until then. */
const LINGERING = 3000;

/** Waits for memory that threads of disposed sessions still hold: some hundred sessions in a row take more addresses than a page has. */
async function allocateInTime(shared: boolean): Promise<{ memory: HostMemory; mostPages: number }> {
  for (;;) {
    try {
      return allocate(shared);
    } catch (error) {
      if (now() - Team.lastEnd > LINGERING) throw error;
      await pause(50);
    }
  }
}

/** A shared memory promises its whole size from the start; not every host does that for all 4 GB. */
function allocate(shared: boolean): { memory: HostMemory; mostPages: number } {
  try {
    return { memory: createHostMemory({ initial: 1, maximum: MOST_PAGES, shared }), mostPages: MOST_PAGES };
  } catch {
    try {
      return { memory: createHostMemory({ initial: 1, maximum: FEWER_PAGES, shared }), mostPages: FEWER_PAGES };
    } catch (cause) {
      throw new ResourceError("wasm: the host gives no memory for a session; dispose of sessions that are done", {
        cause,
      });
    }
  }
}
