/** What a body reads alike each time it runs: weights that products in it share are packed once a run. */
import { aligned, type Call, type Packing, type View } from "./call.ts";
import type { Memory } from "./memory.ts";
import { viewAt } from "./views.ts";

/** What is packed once a run, for the call that finds it in `packed`. */
export interface Packed {
  readonly packing: Packing;
  readonly call: Call;
  readonly room: View;
  readonly bytes: number;
}

/** The constants of a body, the views that share their memory, and what is packed of them. */
export class Repeated {
  readonly constants: Set<View>;
  readonly packings: Packed[] = [];

  constructor(constants: readonly View[]) {
    this.constants = new Set(constants);
  }

  /** The call, with room for what it packs where that is the same each time. */
  pack(call: Call, packing: Packing): Call {
    const inputs = packing.inputs(call);
    if (inputs.length === 0 || !inputs.every((i) => this.constants.has(call.inputs[i]))) return call;
    const room = viewAt({ dtype: "float32", shape: [] }, 0);
    const own = { ...call, packed: room };
    this.packings.push({ packing, call: own, room, bytes: aligned(packing.bytes(call)) });
    return own;
  }
}

/** Bytes of scratch for all of them. */
export function packedBytes(packings: readonly Packed[]): number {
  return packings.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Packs everything, from the beginning of scratch on; what is behind it is scratch from now on. */
export function packAll(memory: Memory, packings: readonly Packed[]): void {
  for (let i = 0; i < packings.length; i++) {
    const { packing, call, room, bytes } = packings[i];
    room.offset = memory.scratch / 4;
    memory.scratch += bytes;
    packing.run(memory, call);
  }
}
