/** WebAssembly itself: modules, instances, memories. */
import { ResourceError } from "@ostinato/core";
import { host } from "./globals.ts";

/** A compiled module, as it is handed to threads. */
export type Module = object;

/** Memory of WebAssembly. */
export interface HostMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

interface Descriptor {
  readonly initial: number;
  readonly maximum: number;
  readonly shared: boolean;
}

declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<Module>;
  instantiate(module: Module, imports: object): Promise<{ readonly exports: unknown }>;
  readonly Module: new (bytes: Uint8Array) => Module;
  readonly Memory: new (descriptor: Descriptor) => HostMemory;
};

/** Whether this engine runs a binary. Some have no WebAssembly at all. */
export const validate = (bytes: Uint8Array): boolean => host.WebAssembly?.validate(bytes) ?? false;

/**
 * Compiles bytes that are valid in this engine.
 *
 * @throws ResourceError where it is not allowed, or has no memory for them.
 */
export async function compile(bytes: Uint8Array): Promise<Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    // Of valid bytes engines say "CompileError" only where a policy forbids to compile any. RangeError is want of memory.
    const forbidden = cause instanceof Error && cause.name !== "RangeError";
    throw new ResourceError(
      forbidden
        ? "wasm: the Content-Security-Policy of this page does not allow WebAssembly; add 'wasm-unsafe-eval' to its script-src, or take cpu() of @ostinato/backend-cpu, which needs none"
        : "wasm: the module could not be compiled, for want of memory; dispose of sessions that are done, or take cpu() of @ostinato/backend-cpu",
      { cause },
    );
  }
}

/** Compiles while the caller waits. */
export const compileNow = (bytes: Uint8Array): Module => new WebAssembly.Module(bytes);

/** The exports of an instance of the module. */
export async function instantiate(module: Module, imports: object): Promise<unknown> {
  return (await WebAssembly.instantiate(module, imports)).exports;
}

export const createHostMemory = (descriptor: Descriptor): HostMemory => new WebAssembly.Memory(descriptor);
