/** Whether a module runs in 256-bit SIMD: found out by a trial, because no engine tells. */
import { compileWide } from "./host/flags.ts";
import { now } from "./host/globals.ts";
import { createHostMemory, instantiate, type Module } from "./host/modules.ts";

interface Exports {
  trial(wide: boolean, turns: number): void;
}

/** Floats from the start of the memory, as in `assembly/trial.ts`. */
const SUMS = { start: 1024, end: 1024 + 6 * 16 };
const OPERANDS = { start: 2048, end: 4096 + 128 * 16 };
/** Some 20 µs of work, often enough that a moment without interruption is among them. */
const TURNS = 40;
const ROUNDS = 7;
/** True where whole blocks are faster than halves, and have the same bits. In 128 bits they need more registers than there are, and take twice as long. */
async function isWide(module: Module, shared: boolean): Promise<boolean> {
  const memory = createHostMemory({ initial: 1, maximum: 1, shared });
  const { trial } = (await instantiate(module, { env: { memory } })) as Exports;
  const floats = new Float32Array(memory.buffer);
  for (let i = OPERANDS.start; i < OPERANDS.end; i++) floats[i] = Math.sin(i);
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    for (const wide of [0, 1]) {
      const start = now();
      trial(wide === 1, TURNS);
      best[wide] = Math.min(best[wide] as number, now() - start);
    }
  }
  const sums = (wide: boolean): Float32Array => {
    trial(wide, 1);
    return floats.slice(SUMS.start, SUMS.end);
  };
  const halves = sums(false);
  return sums(true).every((sum, i) => sum === halves[i]) && (best[1] as number) < (best[0] as number);
}

/** A custom section without name or content. V8 keeps what it has compiled by the bytes, so these have to be others than those of 128-bit SIMD. */
const NOTHING = [0, 1, 0];

/** The module, compiled for 256-bit SIMD; undefined where that cannot be had, for whatever reason: there is 128-bit SIMD then. */
export async function wideModule(bytes: Uint8Array, shared: boolean): Promise<Module | undefined> {
  try {
    const others = new Uint8Array(bytes.length + NOTHING.length);
    others.set(bytes);
    others.set(NOTHING, bytes.length);
    const module = await compileWide(others);
    return module && (await isWide(module, shared)) ? module : undefined;
  } catch {
    return undefined;
  }
}
