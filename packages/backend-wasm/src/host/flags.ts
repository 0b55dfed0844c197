/** V8's flags for 256-bit SIMD: the versions in which they were tried, and one compilation with them. */
import { host, pause } from "./globals.ts";
import { compileNow, type Module } from "./modules.ts";

const REVECTORIZE = "--experimental-wasm-revectorize";

/**
 * Set in this order and taken back in the reverse one. Functions are compiled by the optimizing compiler at once, which makes 256-bit instructions of
 * pairs of 128-bit ones. They have no feedback of the baseline compiler then; inlining looks for it where `--wasm-deopt` is on, and V8 ends the
 * process if there is none. So inlining is off while any of the others is on.
 */
const FLAGS = ["--no-wasm-inlining", REVECTORIZE, "--no-liftoff", "--no-wasm-lazy-compilation"];

/**
 * The versions of V8, as Node builds it, in which the flags were tried: many starts of processes that train, on one thread and two, beside threads
 * that compile. No flag is touched in any other version. `lock`: whether two threads that set flags at once can end the process, so that it takes the
 * lock of threads that Node 24.5 brought. Elsewhere the lock keeps them from 128 bits only.
 */
const TRIED: Readonly<Record<string, { readonly lock: boolean }>> = {
  /** Node 24: `--wasm-deopt` is off, so nothing ends the process, with inlining or without. */
  "13.6": { lock: false },
  /** Node 25: `--wasm-deopt` is on. Without `--no-wasm-inlining` each process ended. */
  "14.1": { lock: true },
  /** Node 26: as Node 25. */
  "14.6": { lock: true },
};

/** Flags of Node and V8 that have to do with WebAssembly and do not change how it is compiled. */
const HARMLESS = [REVECTORIZE, "--experimental-wasm-modules", "--disable-wasm-trap-handler"];

/** One thread of the process at a time, whichever copy of this package it runs. */
const LOCK = "@ostinato/backend-wasm: flags of V8";
/** Pauses of 10 ms until the wait for other threads ends, and 128 bits do. */
const PATIENCE = 500;

/** The flags to set here, and whether not without the lock; undefined where V8 is left alone. */
function plan(): { readonly flags: readonly string[]; readonly lock: boolean } | undefined {
  const { process } = host;
  if (process?.arch !== "x64" || process.versions.bun !== undefined || process.versions.deno !== undefined)
    return undefined;
  const [, version = ""] = /^(\d+\.\d+)\..*-node\.\d+$/.exec(process.versions.v8 ?? "") ?? [];
  const tried = Object.hasOwn(TRIED, version) ? TRIED[version] : undefined;
  if (tried === undefined) return undefined;
  const given = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? "").split(/\s+/)].map((flag) =>
    flag.replaceAll("_", "-").replace(/=.*/, ""),
  );
  // What does not begin with a dash is the value of a flag, such as a path.
  if (given.some((flag) => /^-.*(wasm|liftoff|turbo)/.test(flag) && !HARMLESS.includes(flag))) return undefined;
  return { flags: FLAGS.filter((flag) => !given.includes(flag)), lock: tried.lock };
}

const opposite = (flag: string): string => (flag.startsWith("--no-") ? `--${flag.slice(5)}` : `--no-${flag.slice(2)}`);

/**
 * Compiles for 256-bit SIMD, where the host is known to have it for the asking: in versions of Node that were tried, on x64, in a process that was not
 * started with flags of its own for compiling WebAssembly. V8's flags are the process's: they are set around one synchronous compilation, and are back
 * as they were before anything else runs on this thread. What came of it the module itself has to tell.
 */
export async function compileWide(bytes: Uint8Array): Promise<Module | undefined> {
  const chosen = plan();
  const v8 = host.process?.getBuiltinModule?.("node:v8");
  if (chosen === undefined || v8 === undefined) return undefined;
  const { flags, lock: needsLock } = chosen;
  const compile = (): Module => {
    for (const flag of flags) v8.setFlagsFromString(flag);
    try {
      return compileNow(bytes);
    } finally {
      for (const flag of flags.toReversed()) v8.setFlagsFromString(opposite(flag));
    }
  };
  const locks = host.process?.getBuiltinModule?.("node:worker_threads")?.locks;
  if (locks === undefined) return needsLock ? undefined : compile();
  // A request that waits in the queue would keep no process alive, a pause does; and a body that throws would never give the lock back.
  const attempt = (lock: object | null): { module: Module } | { error: unknown } | undefined => {
    try {
      return lock ? { module: compile() } : undefined;
    } catch (error) {
      return { error };
    }
  };
  for (let i = 0; i < PATIENCE; i++) {
    const result = await locks.request(LOCK, { ifAvailable: true }, attempt);
    if (result && "error" in result) throw result.error;
    if (result) return result.module;
    await pause(10);
  }
  return undefined;
}
