/** The two binaries of the module, and which of them this engine runs. */
import { modules } from "./binaries/modules.ts";
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

/** The embedded module of each kind, by its place among the parts. */
const embedded = { wide: "relaxed", relaxed: "relaxed", plain: "plain" } as const;
const places = { relaxed: 0, plain: 1 } as const;
/** The flags of an imported memory: with a maximum, and shared or not. */
const SHARED = 3;
const UNSHARED = 1;

/** The bytes of an embedded module, for a memory of the caller's thread alone or for a shared one. */
export async function bytesOf(name: keyof typeof places, shared: boolean): Promise<Uint8Array> {
  const { deflated, parts } = modules;
  const all = await inflate(deflated);
  const halves = [0, 2].map((half) => {
    const part = half + places[name];
    const start = parts.slice(0, part).reduce((sum, length) => sum + length, 0);
    return all.subarray(start, start + (parts[part] as number));
  });
  const [first, second] = halves as [Uint8Array, Uint8Array];
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  // The only difference between the two is one flag of the imported memory.
  bytes[modules[name].memoryFlags] = shared ? SHARED : UNSHARED;
  return bytes;
}

/** Compiled modules by kind and memory: the same for all sessions. */
const loaded = new Map<string, Promise<Module | undefined>>();

/** A kind compiled; undefined where this engine does not have it. */
async function load(simd: Simd, shared: boolean): Promise<Module | undefined> {
  const bytes = await bytesOf(embedded[simd], shared);
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
