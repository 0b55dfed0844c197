/** The WebAssembly backend: which binary, and how many threads. */
import { arenaBackend, supportingKernels } from "@ostinato/backend-cpu";
import { type Backend, ConfigError, ResourceError } from "@ostinato/core";
import { loadBinary, type Simd } from "./binary.ts";
import { cores, hasThreads, threadsRefused } from "./host/threads.ts";
import { wasmKernels } from "./kernels/table.ts";
import { WasmMemory } from "./memory.ts";

/** What may be taken, the best first. */
const choices = {
  auto: ["wide", "relaxed", "plain"],
  relaxed: ["relaxed", "plain"],
  plain: ["plain"],
} as const satisfies Record<string, readonly Simd[]>;

const names: Readonly<Record<Simd, string>> = { wide: "256-bit relaxed", relaxed: "relaxed", plain: "plain" };

/** Options of `wasm`. */
export interface WasmOptions {
  /**
   * The most that is taken. `"auto"` (default): relaxed SIMD, whose multiply-adds are rounded once, in 256 bits in Node 24 to 26 on x64, where V8 is
   * asked to join pairs of 128-bit instructions while it compiles this module; versions in which that was not tried are left alone. `"relaxed"`: the same in 128 bits (Chrome 114, Node 22), with the same
   * results to the bit. `"plain"`: 128-bit SIMD as every current engine has it; what it computes differs in the last bits. An engine without
   * one of them takes the next.
   */
  readonly simd?: keyof typeof choices;
  /**
   * Threads that share the work, the caller's among them: a whole number from 1 to 64. Default: the cores, up to 8. The number changes no bit of any
   * result. Where memory cannot be shared (a browser page that is not cross-origin isolated) there is one. Where a page's Content-Security-Policy forbids
   * workers from `blob:` URLs there is one by default, and an error for more.
   */
  readonly threads?: number;
}

const MOST_BY_DEFAULT = 8;
const MOST_THREADS = 64;

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

/** Says what is wrong with the options, as far as types do not. */
function checkOptions(options: WasmOptions): void {
  if (typeof options !== "object" || options === null)
    throw new ConfigError(`wasm takes an object of options, got ${shown(options)}`);
  const unknown = Object.keys(options).find((name) => name !== "simd" && name !== "threads");
  if (unknown !== undefined) throw new ConfigError(`wasm has no option ${shown(unknown)}; it takes simd, threads`);
  const { simd = "auto", threads = 1 } = options;
  if (!Object.hasOwn(choices, simd))
    throw new ConfigError(`wasm: simd is "auto", "relaxed" or "plain", got ${shown(simd)}`);
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS)
    throw new ConfigError(`wasm: threads is a whole number from 1 to ${MOST_THREADS}, got ${shown(threads)}`);
}

/** How many threads there are: as many as asked for, or as there are cores; one where memory cannot be shared, or a policy forbids others and nobody asked. */
async function teamFor(asked: number | undefined): Promise<number> {
  const threads = asked ?? Math.min(cores(), MOST_BY_DEFAULT);
  if (threads === 1 || !hasThreads()) return 1;
  const refusal = await threadsRefused();
  if (refusal === undefined) return threads;
  if (asked === undefined) return 1;
  throw new ResourceError(
    `wasm: this page lets no threads start (${refusal}); add blob: to the worker-src of its Content-Security-Policy, or take wasm({ threads: 1 })`,
  );
}

/**
 * Kernels in WebAssembly SIMD over one memory, shared by threads; the kernels of the CPU backend run what has none; `name` says what was chosen. Nothing to install or serve: the
 * module comes with this file. Computes in single precision. A run computes before its promise is returned, with the caller's thread
 * taking part; between runs the threads sleep, and they do not keep a process alive.
 *
 * @throws ConfigError for options that cannot work, ResourceError where the engine has no WebAssembly SIMD, or a page's Content-Security-Policy forbids WebAssembly, or
 * the threads that were asked for; `open` throws ResourceError where the host gives no memory, and a session's `compile` where it gives no threads: these start while the caller goes on.
 * @example const backend = await wasm({ threads: 2 });
 */
export async function wasm(options: WasmOptions = {}): Promise<Backend> {
  checkOptions(options);
  const team = await teamFor(options.threads);
  const binary = await loadBinary(choices[options.simd ?? "auto"], team > 1);
  return arenaBackend({
    name: `wasm (${names[binary.simd]} SIMD, ${team} ${team === 1 ? "thread" : "threads"})`,
    kernels: wasmKernels(team),
    plain: supportingKernels,
    createMemory: () => WasmMemory.open(binary, team),
  });
}
