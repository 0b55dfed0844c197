/** The module, with either kind of multiply-add, and which of them this engine runs. */

import { ResourceError } from "@ostinato/core";
import { wideModule } from "#wide";
import { embedded } from "./binaries/module.ts";
import { inflate } from "./host/inflate.ts";
import { compile, type Module, validate } from "./host/modules.ts";

/**
 * `wide`: relaxed, with 256-bit instructions for pairs of 128-bit ones. `relaxed`: multiply-adds are rounded once where the processor can.
 * `plain`: 128-bit SIMD as every current engine has it.
 */
export type Simd = "wide" | "relaxed" | "plain";

export interface Binary {
  readonly simd: Simd;
  readonly module: Module;
}

/** Three bytes each: what stands for the product and the sum of a multiply-add, and what becomes of both: `nop`s and one instruction, or two. */
export const multiplyAdds = {
  marked: ["fd8201", "fd9301"],
  relaxed: ["010101", "fd8502"],
  plain: ["fde601", "fde401"],
} as const;
const BYTES = 3;

function replace(bytes: Uint8Array, from: string, to: string): void {
  const [first, second, third] = bytesIn(from);
  const written = bytesIn(to);
  for (let at = bytes.indexOf(first as number); at >= 0; at = bytes.indexOf(first as number, at + 1))
    if (bytes[at + 1] === second && bytes[at + 2] === third) bytes.set(written, at);
}

function bytesIn(text: string): number[] {
  return Array.from({ length: BYTES }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** The flags of an imported memory: with a maximum, and shared or not. */
const SHARED = 3;
const UNSHARED = 1;

/** The bytes of the module of a kind, for a memory of the caller's thread alone or for a shared one: that is one flag of the imported memory. */
export async function bytesOf(kind: "relaxed" | "plain", shared: boolean): Promise<Uint8Array> {
  const bytes = await inflate(embedded.deflated);
  for (const part of [0, 1] as const) replace(bytes, multiplyAdds.marked[part], multiplyAdds[kind][part]);
  bytes[embedded.memoryFlags] = shared ? SHARED : UNSHARED;
  return bytes;
}

/** Compiled modules by kind and memory: the same for all sessions. */
const loaded = new Map<string, Promise<Module | undefined>>();

/** A kind compiled; undefined where this engine does not have it. */
async function load(simd: Simd, shared: boolean): Promise<Module | undefined> {
  const bytes = await bytesOf(simd === "plain" ? simd : "relaxed", shared);
  if (!validate(bytes)) return undefined;
  const key = `${simd}, ${shared ? "shared" : "unshared"}`;
  const known = loaded.get(key);
  if (known) return known;
  const loading = simd === "wide" ? wideModule(bytes, shared) : compile(bytes);
  loaded.set(key, loading);
  // What failed once, for want of memory say, may work the next time.
  loading.catch(() => loaded.delete(key));
  return loading;
}

/** The first of the kinds in `choice` that this engine runs. @throws ResourceError where it runs none of them */
export async function loadBinary(choice: readonly Simd[], shared: boolean): Promise<Binary> {
  for (const simd of choice) {
    const module = await load(simd, shared);
    if (module) return { simd, module };
  }
  throw new ResourceError("wasm: this engine has no WebAssembly SIMD; take cpu() of @ostinato/backend-cpu");
}
