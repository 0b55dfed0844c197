/** Runs in a browser's page: the suite on a WebAssembly backend, and the bits of a training step. */
import { suiteTests } from "@ostinato/conformance";
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

async function runSuite(options: WasmOptions): Promise<Report> {
  const backend = await wasm(options);
  const failed: string[] = [];
  let passed = 0;
  for (const { name, run } of suiteTests()) {
    try {
      await run(backend);
      passed += 1;
    } catch (error) {
      failed.push(`${name}: ${String(error)}`);
    }
  }
  return { backend: backend.name, isolated: crossOriginIsolated, passed, failed };
}

Object.assign(globalThis, { runSuite });
