/** What sessions hold: threads that are lost, memory that cannot grow, processes that forget to dispose, hosts that lack something. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import type { Worker } from "node:worker_threads";
import {
  type Backend,
  bind,
  ConfigError,
  type Executable,
  feed,
  float32,
  lower,
  ResourceError,
  type Session,
  StateError,
  sigmoid,
  state,
  zeros,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import { describe, expect, test, vi } from "vitest";
import { loadBinary } from "../src/binary.ts";
import { wasm } from "../src/index.ts";
import { WasmMemory } from "../src/memory.ts";
import { control, fusedOps, jobNames } from "../src/protocol.ts";

/** Enough for the other threads to be woken. */
const LARGE = 300_000;

/** One instruction on many numbers. */
function setJob(memory: WasmMemory): void {
  const code = 8 * LARGE;
  memory.reserve(code + 64);
  const [x, y] = [memory.addressOf(0), memory.addressOf(4 * LARGE)];
  memory.i32.set([fusedOps.indexOf("neg"), 2, y, 2, x, 0, 0, 0, 0], code / 4);
  memory.arguments.set([LARGE, 0, 1, memory.addressOf(code), x, 0]);
}

async function compiled(backend: Backend, session: Session): Promise<Executable> {
  const x = feed("x", "float32", ["n"]);
  const graph = { fetches: { y: add(sigmoid(x), state("bias", "float32", [])) }, updates: [] };
  return session.compile(bind(lower(graph, backend), { n: LARGE }));
}

const bias = { bias: float32([], [1]) };
const feeds = { x: zeros("float32", [LARGE]) };

/** Runs `body` with a list of the threads that it starts. */
async function watchingWorkers<T>(body: (workers: readonly Worker[]) => Promise<T>): Promise<T> {
  const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: typeof Worker };
  const { Worker: Original } = threads;
  const workers: Worker[] = [];
  threads.Worker = class extends Original {
    constructor(...args: ConstructorParameters<typeof Original>) {
      super(...args);
      workers.push(this);
    }
  };
  try {
    return await body(workers);
  } finally {
    threads.Worker = Original;
  }
}

describe("threads", () => {
  test("one that ends between runs is a ResourceError, and the state can still be read", async () => {
    await watchingWorkers(async (workers) => {
      const backend = await wasm({ threads: 3 });
      await using session = await backend.open(bias);
      const executable = await compiled(backend, session);
      expect((await executable.run(feeds)).y.data[LARGE - 1]).toBe(1.5);
      expect(workers.length).toBe(2);
      await workers[1].terminate();
      await expect(executable.run(feeds)).rejects.toThrow(ResourceError);
      await expect(executable.run(feeds)).rejects.toThrow(/thread.*lost/);
      expect((await session.readState()).bias.data[0]).toBe(1);
    });
  });

  test("one that does not answer in a run is a ResourceError, and no hang", async () => {
    await watchingWorkers(async (workers) => {
      const binary = await loadBinary(["plain"], true);
      const memory = await WasmMemory.open(binary, 2, 6);
      await memory.ready;
      setJob(memory);
      memory.run("fused", true);
      void workers[0].terminate();
      // The thread is ended at some moment from now on, and nobody hears of it before this function returns.
      const deadline = performance.now() + 20_000;
      expect(() => {
        while (performance.now() < deadline) memory.run("fused", true);
      }).toThrow(ResourceError);
      expect(() => memory.run("fused", true)).toThrow(ResourceError);
      await memory.dispose();
    });
  });

  test("a loss that only the module saw, and a run that was broken off, are not forgotten", async () => {
    const binary = await loadBinary(["plain"], true);
    const start = async (): Promise<WasmMemory> => {
      const memory = await WasmMemory.open(binary, 2);
      await memory.ready;
      setJob(memory);
      memory.run("fused", true);
      return memory;
    };
    const lost = await start();
    Atomics.store(new Int32Array(lost.f32.buffer), control.lost / 4, 1);
    expect(() => lost.run("fused", true)).toThrow(ResourceError);
    expect(() => lost.expectUsable()).toThrow(ResourceError);

    // Stands for a host that breaks off a run from outside.
    const broken = await start();
    const run = vi.spyOn(jobNames, "indexOf").mockImplementation(() => {
      throw new Error("broken off");
    });
    expect(() => broken.run("fused", true)).toThrow("broken off");
    run.mockRestore();
    expect(() => broken.run("fused", true)).toThrow(/broken off/);
    expect(() => broken.run("fused", true)).toThrow(ResourceError);
  });

  test("that cannot be started are a ResourceError of the first program, and what did start ends", async () => {
    const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: typeof Worker };
    await watchingWorkers(async (workers) => {
      const { Worker: Watched } = threads;
      threads.Worker = class extends Watched {
        constructor(...args: ConstructorParameters<typeof Watched>) {
          if (workers.length > 0) throw new Error("no more threads");
          super(...args);
        }
      };
      const backend = await wasm({ threads: 3 });
      await using session = await backend.open(bias);
      await expect(compiled(backend, session)).rejects.toThrow(ResourceError);
      await expect(compiled(backend, session)).rejects.toThrow(/could not be started \(.*no more threads/);
      expect(workers.map(({ threadId }) => threadId)).toEqual([-1]);
      expect((await session.readState()).bias.data[0]).toBe(1);
    });
  });

  test("of a session that is disposed before they are there end too", async () => {
    await watchingWorkers(async (workers) => {
      const backend = await wasm({ threads: 3 });
      const session = await backend.open(bias);
      const refused = expect(compiled(backend, session)).rejects.toThrow(StateError);
      await session[Symbol.asyncDispose]();
      await refused;
      expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    });
  });

  test("of a session that could not be opened end too", async () => {
    await watchingWorkers(async (workers) => {
      const backend = await wasm({ threads: 3 });
      const tooLarge = { weights: { ...float32([], [0]), shape: [2 ** 31] } };
      await expect(backend.open(tooLarge)).rejects.toThrow(ResourceError);
      expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    });
  });

  test("all end with their session", async () => {
    await watchingWorkers(async (workers) => {
      const session = await (await wasm({ threads: 3 })).open({});
      await session[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
      expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    });
  });

  test("a process that forgets to dispose ends", async () => {
    const script = `
      import { wasm } from "@ostinato/backend-wasm";
      const session = await (await wasm({ threads: 3 })).open({});
      console.log(typeof session.compile);`;
    const run = promisify(execFile)(
      process.execPath,
      ["--conditions=@ostinato/source", "--input-type=module", "--eval", script],
      { cwd: import.meta.dirname, timeout: 20_000 },
    );
    expect((await run).stdout).toBe("function\n");
  });
});

describe("memory", () => {
  test("that cannot grow is a ResourceError, and the session goes on", async () => {
    for (const threads of [1, 2]) {
      const backend = await wasm({ threads });
      await using session = await backend.open(bias);
      const executable = await compiled(backend, session);
      const huge = { fetches: { y: sigmoid(feed("x", "float32", ["n"])) }, updates: [] };
      const program = bind(lower(huge, backend), { n: 2 ** 30 });
      await expect(session.compile(program)).rejects.toThrow(ResourceError);
      await expect(session.compile(program)).rejects.toThrow(/cannot grow to 8193 MB/);
      expect((await executable.run(feeds)).y.data[0]).toBe(1.5);
    }
  });

  test("a run leaves next to nothing on the heap, and no array buffer", async () => {
    const backend = await wasm({ threads: 2 });
    await using session = await backend.open(bias);
    const executable = await compiled(backend, session);
    const into = await executable.run(feeds);
    for (let i = 0; i < 300; i++) await executable.run(feeds, into);
    const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];
    const readings = [];
    for (let i = 0; i < 51; i++) {
      const before = process.memoryUsage();
      await executable.run(feeds, into);
      const after = process.memoryUsage();
      readings.push({ heap: after.heapUsed - before.heapUsed, buffers: after.arrayBuffers - before.arrayBuffers });
    }
    expect(median(readings.map(({ heap }) => heap))).toBeLessThan(4096);
    expect(median(readings.map(({ buffers }) => buffers))).toBe(0);
  });
});

/** Runs `body` while a global has another value. */
async function withGlobal<T>(owner: object, name: string, value: unknown, body: () => Promise<T>): Promise<T> {
  const original = Object.getOwnPropertyDescriptor(owner, name) as PropertyDescriptor;
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  try {
    return await body();
  } finally {
    Object.defineProperty(owner, name, original);
  }
}

describe("options and hosts", () => {
  test("say what was chosen", async () => {
    expect((await wasm({ threads: 2, simd: "plain" })).name).toBe("wasm (plain SIMD, 2 threads)");
    expect((await wasm({ threads: 1 })).name).toMatch(/^wasm \((256-bit relaxed|relaxed|plain) SIMD, 1 thread\)$/);
  });

  test("that cannot work are ConfigErrors", async () => {
    for (const threads of [0, 1.5, Number.NaN, -2, 65, 1e9])
      await expect(wasm({ threads })).rejects.toThrow(ConfigError);
    await expect(wasm({ simd: "fast" as "plain" })).rejects.toThrow('simd is "auto", "relaxed" or "plain", got "fast"');
    await expect(wasm({ thread: 2 } as object)).rejects.toThrow('no option "thread"; it takes simd, threads');
    await expect(wasm(null as unknown as object)).rejects.toThrow("takes an object of options, got null");
  });

  test("without shared memory there is one thread", async () => {
    await withGlobal(globalThis, "SharedArrayBuffer", undefined, async () => {
      const backend = await wasm({ threads: 4 });
      expect(backend.name).toMatch(/1 thread\)$/);
      await using session = await backend.open(bias);
      expect((await (await compiled(backend, session)).run(feeds)).y.data[7]).toBe(1.5);
    });
  });

  test("a page that is not isolated has one thread, whatever else it has", async () => {
    Object.defineProperty(globalThis, "crossOriginIsolated", { value: false, configurable: true });
    try {
      expect((await wasm({ threads: 4 })).name).toMatch(/1 thread\)$/);
    } finally {
      Reflect.deleteProperty(globalThis, "crossOriginIsolated");
    }
  });

  test("without WebAssembly, or without its SIMD, cpu() is the way out", async () => {
    const missing = new ResourceError("wasm: this engine has no WebAssembly SIMD; take cpu() of @ostinato/backend-cpu");
    await withGlobal(globalThis, "WebAssembly", undefined, () => expect(wasm()).rejects.toThrow(missing));
    const engine = Reflect.get(globalThis, "WebAssembly") as object;
    await withGlobal(
      engine,
      "validate",
      () => false,
      () => expect(wasm()).rejects.toThrow(missing),
    );
  });
});
