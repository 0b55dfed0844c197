/** Runs in a browser's page: the suite on a WebAssembly backend, and the bits of a training step. */
import { suiteTests } from "@ostinato/conformance";
import { bind, feed, lower, sigmoid } from "@ostinato/core";
import { type WasmOptions, wasm } from "../../src/index.ts";

export interface Report {
  /** The backend's name, which says what was chosen. */
  readonly backend: string;
  readonly isolated: boolean;
  readonly passed: number;
  /** Names of the tests that failed, each with its message. */
  readonly failed: readonly string[];
}

declare const crossOriginIsolated: boolean;

/** Runs the tests of these names, with so many random shapes each. */
async function runSuite(options: WasmOptions, names: readonly string[], trials: number): Promise<Report> {
  const backend = await wasm(options);
  const failed: string[] = [];
  let passed = 0;
  for (const { name, run } of suiteTests().filter((entry) => names.includes(entry.name))) {
    try {
      await run(backend, trials);
      passed += 1;
    } catch (error) {
      failed.push(`${name}: ${String(error)}`);
    }
  }
  return { backend: backend.name, isolated: crossOriginIsolated, passed, failed };
}

/** Opens and disposes so many sessions of two threads, one after another. */
async function sessions(count: number): Promise<number> {
  const backend = await wasm({ threads: 2 });
  const y = sigmoid(feed("x", "float32", ["n"]));
  const program = bind(lower({ fetches: { y }, updates: [] }, backend), { n: 8 });
  let opened = 0;
  for (; opened < count; opened++) {
    await using session = await backend.open({});
    await session.compile(program);
  }
  return opened;
}

Object.assign(globalThis, { runSuite, sessions });
