/** The largest numbers of each row. */
import { aligned, type Call, type Kernel } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { fields } from "../protocol.ts";

/** Elements from which on it pays to wake the other threads. */
const MANY = 2 ** 17;

function run(memory: WasmMemory, { attrs, inputs, outputs }: Call<"topK">): void {
  const x = inputs[0];
  const width = x.dims[x.dims.length - 1];
  const to = memory.arguments;
  const at = fields.topK;
  to[at.rows] = x.size / width;
  to[at.width] = width;
  to[at.k] = attrs.k;
  to[at.x] = memory.address(x);
  to[at.values] = memory.address(outputs[0]);
  to[at.indices] = memory.address(outputs[1]);
  to[at.rooms] = memory.addressOf(memory.scratch);
  to[at.roomBytes] = aligned(4 * attrs.k);
  memory.run("topK", x.size >= MANY);
}

export function largestKernels(threads: number): { readonly topK: Kernel<"topK"> } {
  const scratch = ({ attrs }: Call<"topK">): number => threads * aligned(4 * attrs.k);
  return { topK: { scratch, run: (memory, call) => run(memory as WasmMemory, call) } };
}
