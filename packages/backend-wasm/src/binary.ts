/** The two binaries of the module, and which of them this engine runs. */
import { plain } from "./binaries/plain.ts";
import { relaxed } from "./binaries/relaxed.ts";
import { inflate } from "./host/inflate.ts";
import { compile, type Module, validate } from "./host/modules.ts";
import { wideModule } from "./wide.ts";

/**
 * `wide`: relaxed, with 256-bit instructions for pairs of 128-bit ones. `relaxed`: multiply-adds are rounded once where the processor can.
 * `plain`: 128-bit SIMD as every current engine has it.
 */
export type Simd = "wide" | "relaxed" | "plain";

export interface Binary {
  readonly simd: Simd;
  readonly module: Module;
}

const embedded = { wide: relaxed, relaxed, plain };
/** The flags of an imported memory: with a maximum, and shared or not. */
const SHARED = 3;
const UNSHARED = 1;

/** The bytes of a binary, for a memory of the caller's thread alone or for a shared one. */
async function bytesFor({ deflated, memoryFlags }: typeof relaxed, shared: boolean): Promise<Uint8Array> {
  const bytes = await inflate(deflated);
  // The only difference between the two is one flag of the imported memory.
  bytes[memoryFlags] = shared ? SHARED : UNSHARED;
  return bytes;
}

/** Compiled modules by kind and memory: the same for all sessions. */
const loaded = new Map<string, Promise<Module | undefined>>();

/** A kind compiled; undefined where this engine does not have it. */
async function load(simd: Simd, shared: boolean): Promise<Module | undefined> {
  const bytes = await bytesFor(embedded[simd], shared);
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

/** The first of the kinds in `choice` that this engine runs; undefined where it has no SIMD. */
export async function loadBinary(choice: readonly Simd[], shared: boolean): Promise<Binary | undefined> {
  for (const simd of choice) {
    const module = await load(simd, shared);
    if (module) return { simd, module };
  }
  return undefined;
}
