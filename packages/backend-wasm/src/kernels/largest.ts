/** The largest numbers of each row. */
import { aligned, type Call, type Kernel, type View } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { counts, fields } from "../protocol.ts";

/** Elements from which on it pays to wake the other threads. */
const MANY = 2 ** 17;
/** Where at least this share of so many numbers is looked for, a sort of all takes less time than a heap. */
const SORTED_SHARE = 1 / 32;
const SORTED_WIDTH = 256;

const sorts = (k: number, width: number): boolean => width >= SORTED_WIDTH && k >= SORTED_SHARE * width;

/** The room of a thread: a heap of places, or numbers with their indices twice, and the counts of a digit. */
const roomBytes = (k: number, width: number): number =>
  aligned(sorts(k, width) ? 16 * width + 4 * counts.digits : 4 * k);

const lastOf = ({ dims }: View): number => dims[dims.length - 1];

function run(memory: WasmMemory, { attrs, inputs, outputs }: Call<"topK">): void {
  const x = inputs[0];
  const width = lastOf(x);
  const to = memory.arguments;
  const at = fields.topK;
  to[at.rows] = x.size / width;
  to[at.width] = width;
  to[at.k] = attrs.k;
  to[at.sorted] = sorts(attrs.k, width) ? 1 : 0;
  to[at.x] = memory.address(x);
  to[at.values] = memory.address(outputs[0]);
  to[at.indices] = memory.address(outputs[1]);
  to[at.rooms] = memory.addressOf(memory.scratch);
  to[at.roomBytes] = roomBytes(attrs.k, width);
  memory.run("topK", x.size >= MANY);
}

export function largestKernels(threads: number): { readonly topK: Kernel<"topK"> } {
  const scratch = ({ attrs, inputs: [x] }: Call<"topK">): number => threads * roomBytes(attrs.k, lastOf(x));
  return { topK: { scratch, run: (memory, call) => run(memory as WasmMemory, call) } };
}
