/** The two binaries of the module, and which of them this engine runs. */
import { plain } from "./binaries/plain.ts";
import { relaxed } from "./binaries/relaxed.ts";
import { bytesOf, compile, type Module, validate } from "./host.ts";

/** `relaxed`: multiply-adds are rounded once where the processor can. `plain`: 128-bit SIMD as every current engine has it. */
export type Simd = "relaxed" | "plain";

export interface Binary {
  readonly simd: Simd;
  readonly module: Module;
}

const embedded = { relaxed, plain };
/** The flags of an imported memory: with a maximum, and shared or not. */
const SHARED = 3;
const UNSHARED = 1;

/** The bytes of a binary, for a memory of the caller's thread alone or for a shared one. */
function bytesFor(simd: Simd, shared: boolean): Uint8Array {
  const { base64, memoryFlags } = embedded[simd];
  const bytes = bytesOf(base64);
  // The only difference between the two is one flag of the imported memory.
  bytes[memoryFlags] = shared ? SHARED : UNSHARED;
  return bytes;
}

/** The best of the binaries in `choice` that this engine runs; undefined where it has no SIMD. */
export async function loadBinary(choice: readonly Simd[], shared: boolean): Promise<Binary | undefined> {
  for (const simd of choice) {
    const bytes = bytesFor(simd, shared);
    if (validate(bytes)) return { simd, module: await compile(bytes) };
  }
  return undefined;
}
