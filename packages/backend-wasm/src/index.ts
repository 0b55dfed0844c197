/** Ostinato's fast CPU backend: the CPU backend's executable over WebAssembly's memory, with kernels in SIMD and threads. */
export { type WasmOptions, wasm } from "./wasm.ts";
