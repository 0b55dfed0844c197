/** Our backends by name. The WebAssembly backend is looked up when it is asked for. */
import { cpu } from "@ostinato/backend-cpu";
import { type WasmOptions, wasm } from "@ostinato/backend-wasm";
import type { Backend } from "@ostinato/core";

/** A process's share of the work: the backend, and its threads where it has any. */
export interface OwnOptions {
  readonly backend: "cpu" | "wasm";
  readonly threads: number;
  readonly simd?: WasmOptions["simd"];
}

export function openBackend({ backend, threads, simd = "auto" }: OwnOptions): Promise<Backend> {
  return backend === "cpu" ? cpu() : wasm({ threads, simd });
}
