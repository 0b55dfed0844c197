/** Reductions over axes that follow one another; over others the CPU backend's. */
import { basicKernels, type Call, type Kernel } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { counts, fields, reductions } from "../protocol.ts";

/** Elements from which on it pays to wake the other threads. */
const MANY = 2 ** 17;
const ROOM_BYTES = 8 * counts.tile;

type Reducing = "sum" | "max" | "argMax";

/** The first and the last reduced axis, where none between them is kept, and the module reduces them. */
function rangeOf({ attrs, op }: Call<Reducing>, rank: number): readonly [number, number] | undefined {
  const axes = "axes" in attrs ? attrs.axes : [attrs.axis];
  const first = Math.min(...axes);
  const last = Math.max(...axes);
  if (last - first + 1 !== axes.length) return undefined;
  return op === "argMax" && last < rank - 1 ? undefined : [first, last];
}

interface ReduceCall extends Call<Reducing> {
  readonly range: readonly [number, number];
  readonly kind: number;
}

function run(memory: WasmMemory, { inputs: [x], outputs: [y], range, kind }: ReduceCall): void {
  const to = memory.arguments;
  const at = fields.reduce;
  let outer = 1;
  let middle = 1;
  for (let axis = 0; axis < range[0]; axis++) outer *= x.dims[axis];
  for (let axis = range[0]; axis <= range[1]; axis++) middle *= x.dims[axis];
  to[at.kind] = kind;
  to[at.outer] = outer;
  to[at.middle] = middle;
  to[at.inner] = x.size / (outer * middle);
  to[at.x] = memory.address(x);
  to[at.y] = memory.address(y);
  to[at.rooms] = memory.addressOf(memory.scratch);
  memory.run("reduce", x.size >= MANY);
}

/** A kernel over the one that is asked where the module has none. */
function reducing(op: Reducing, plain: Kernel, threads: number): Kernel {
  return {
    prepare: (call) => {
      const [x] = call.inputs;
      const range = rangeOf(call as Call<Reducing>, x.dims.length);
      const made = plain.prepare?.(call) ?? call;
      const kind = (reductions as readonly string[]).indexOf(x.dtype === "int32" ? `${op}Int` : op);
      return range && !("plan" in made) ? ({ ...call, range, kind } as unknown as Call) : made;
    },
    scratch: (call) => ("range" in call ? threads * ROOM_BYTES : (plain.scratch?.(call) ?? 0)),
    run: (memory, call) => {
      if ("range" in call) run(memory as WasmMemory, call as ReduceCall);
      else plain.run(memory, call);
    },
  };
}

/** Sums of all elements go by `total`, so that they are those of fused ops. */
export const reduceKernels = (threads: number, total: Kernel) => ({
  sum: reducing("sum", total, threads),
  max: reducing("max", basicKernels.max as Kernel, threads),
  argMax: reducing("argMax", basicKernels.argMax as Kernel, threads),
});
