/** Reductions. The module reduces axes that follow one another; where others lie between them, the operand is transposed first. */
import type { Call, Kernel, View } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { counts, fields, reductions } from "../protocol.ts";
import { moveKernels } from "./move.ts";

/** Elements from which on it pays to wake the other threads. */
const MANY = 2 ** 17;
const ROOM_BYTES = 8 * counts.tile;

type Reducing = "sum" | "max" | "argMax";

interface ReduceCall extends Call<Reducing> {
  /** The first of the reduced axes, and the one behind them: of the operand, or of what it is transposed to. */
  readonly range: readonly [number, number];
  readonly kind: number;
  readonly transposing: Call<"transpose"> | undefined;
}

/** Whether the module reduces these axes where they lie. */
function isRange({ op }: Call, axes: readonly number[], rank: number): boolean {
  if (op === "argMax") return axes[0] === rank - 1;
  return axes.length > 0 && Math.max(...axes) - Math.min(...axes) + 1 === axes.length;
}

function prepared(call: Call<Reducing>): ReduceCall {
  const { op, attrs, inputs } = call;
  const [x] = inputs;
  const rank = x.dims.length;
  const axes = "axes" in attrs ? attrs.axes : [attrs.axis];
  const kind = (reductions as readonly string[]).indexOf(x.dtype === "int32" ? `${op}Int` : op);
  const first = isRange(call, axes, rank) ? Math.min(...axes) : rank - axes.length;
  const range = [first, first + axes.length] as const;
  if (isRange(call, axes, rank)) return { ...call, range, kind, transposing: undefined };
  const all = x.dims.map((_, axis) => axis);
  const permutation = [...all.filter((axis) => !axes.includes(axis)), ...all.filter((axis) => axes.includes(axis))];
  const y: View = { ...x, dims: [...x.dims], followers: [] };
  return { ...call, range, kind, transposing: { ...call, op: "transpose", attrs: { permutation }, outputs: [y] } };
}

/** Puts the operand behind the rooms of the threads, with the reduced axes last. */
function transposed(memory: WasmMemory, call: Call<"transpose">): View {
  const [x] = call.inputs;
  const [y] = call.outputs;
  for (let axis = 0; axis < y.dims.length; axis++) y.dims[axis] = x.dims[call.attrs.permutation[axis]];
  y.size = x.size;
  y.offset = (memory.scratch + memory.threads * ROOM_BYTES) / 4;
  moveKernels.transpose.run(memory, call);
  return y;
}

function run(memory: WasmMemory, { inputs, outputs, range, kind, transposing }: ReduceCall): void {
  const x = transposing ? transposed(memory, transposing) : inputs[0];
  const to = memory.arguments;
  const at = fields.reduce;
  let outer = 1;
  let middle = 1;
  for (let axis = 0; axis < range[0]; axis++) outer *= x.dims[axis];
  for (let axis = range[0]; axis < range[1]; axis++) middle *= x.dims[axis];
  to[at.kind] = kind;
  to[at.outer] = outer;
  to[at.middle] = middle;
  to[at.inner] = x.size / (outer * middle);
  to[at.x] = memory.address(x);
  to[at.y] = memory.address(outputs[0]);
  to[at.rooms] = memory.addressOf(memory.scratch);
  memory.run("reduce", x.size >= MANY);
}

/** Sums of all elements go by `total`, so that they are those of fused ops. */
export function reduceKernels(threads: number, total: Kernel) {
  const kernel: Kernel = {
    prepare: (call) => prepared(call as Call<Reducing>),
    scratch: (call) => threads * ROOM_BYTES + ((call as ReduceCall).transposing ? 4 * call.inputs[0].size : 0),
    run: (memory, call) => run(memory as WasmMemory, call as ReduceCall),
  };
  const of = (call: Call): Kernel => ("plan" in call ? total : kernel);
  const sum: Kernel<"sum"> = {
    prepare: (call) => (call.attrs.axes.length === call.inputs[0].dims.length ? total : kernel).prepare?.(call) ?? call,
    scratch: (call) => of(call).scratch?.(call) ?? 0,
    run: (memory, call) => of(call).run(memory, call),
  };
  return { sum, max: kernel, argMax: kernel };
}
