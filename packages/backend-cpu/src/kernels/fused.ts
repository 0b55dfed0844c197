/** Fused elementwise ops: tile by tile, each operation by the kernel that it has alone. */
import { type DType, type FusedAttrs, sizeOfDim } from "@ostinato/core";
import { aligned, type Call, type Kernel, type Kernels, type View } from "../call.ts";
import type { Memory } from "../memory.ts";
import { bytesOf } from "../views.ts";
import { emptyWalk } from "../walk.ts";
import { type FusedPlan, type Instruction, type Place, planFused } from "./fusedPlan.ts";
import { normal } from "./small.ts";

/** Elements of a tile: few enough that all values of one lie in the first caches, many enough that to begin an instruction counts for little. */
const TILE = 1024;

/** An instruction, and the call for one tile. */
interface Ready {
  readonly instruction: Instruction;
  readonly call: Call;
  readonly kernel: Kernel;
}

interface FusedCall extends Call<"fused"> {
  readonly plan: FusedPlan;
  readonly steps: readonly Ready[];
}

/** Elements that a fused call goes over. */
export function elementsOf({ attrs, sizes }: Call<"fused">): number {
  let elements = 1;
  for (let axis = 0; axis < attrs.shape.length; axis++) elements *= sizeOfDim(attrs.shape[axis], sizes);
  return elements;
}

/** A broadcast of a run of axes reads element ⌊index / repeats⌋ mod its size: how often each element stands side by side. */
export function repeatsOf({ attrs, sizes }: Call<"fused">, axes: readonly number[]): number {
  let repeats = 1;
  const first = axes.length === 0 ? 0 : axes[axes.length - 1] + 1;
  for (let axis = first; axis < attrs.shape.length; axis++) repeats *= sizeOfDim(attrs.shape[axis], sizes);
  return repeats;
}

function numbersOf({ f32, i32, u8 }: Memory, dtype: DType): Float32Array | Int32Array | Uint8Array {
  return dtype === "float32" ? f32 : dtype === "int32" ? i32 : u8;
}

function emptyView({ kind, dtype }: Place): View {
  return { dtype, shape: [], offset: 0, stride: kind === "uniform" ? 0 : 1, dims: [], size: 0, followers: [] };
}

/** Puts the view of a place where the tile's elements are. */
function settle(memory: Memory, { inputs, outputs, plan }: FusedCall, view: View, place: Place, start: number): void {
  if (place.kind === "operand") view.offset = inputs[place.at].offset + start;
  else if (place.kind === "uniform") view.offset = inputs[place.at].offset;
  else if (place.kind === "result") view.offset = outputs[place.at].offset + start;
  else if (place.kind === "register")
    view.offset = (memory.scratch + sumsBytes(plan) + place.at * TILE * 4) / bytesOf[place.dtype];
  else view.offset = memory.scratch / 8 + place.at;
}

function sumsBytes({ sums }: FusedPlan): number {
  return aligned(sums.length * 8);
}

/** Operations that are not those of a kernel. */
const ownKernels: Readonly<Record<"copy" | "broadcast" | "sum", Kernel>> = {
  copy: {
    run(memory, { inputs, outputs }) {
      const numbers = inputs[0].dtype === "bool" ? memory.u8 : memory.i32;
      const from = inputs[0].offset;
      const to = outputs[0].offset;
      for (let i = 0; i < outputs[0].size; i++) numbers[to + i] = numbers[from + i];
    },
  },
  /** The view of the operand begins at its first element; `dims` holds its size, the repeats, and where the tile begins. */
  broadcast: {
    run(memory, { inputs, outputs }) {
      const numbers = inputs[0].dtype === "bool" ? memory.u8 : memory.i32;
      const [size, repeats, start] = inputs[0].dims;
      const from = inputs[0].offset;
      const to = outputs[0].offset;
      let element = Math.floor(start / repeats) % size;
      let left = repeats - (start % repeats);
      for (let i = 0; i < outputs[0].size; i++) {
        numbers[to + i] = numbers[from + element];
        left -= 1;
        if (left > 0) continue;
        left = repeats;
        element = element + 1 < size ? element + 1 : 0;
      }
    },
  },
  /** Goes on with the sum of the tiles before, in double precision and in the order of `sum`. */
  sum: {
    run(memory, { inputs, outputs }) {
      const numbers = numbersOf(memory, inputs[0].dtype);
      const at = outputs[0].offset;
      const from = inputs[0].offset;
      let sum = memory.f64[at];
      for (let i = 0; i < inputs[0].size; i++) sum += numbers[from + i * inputs[0].stride];
      memory.f64[at] = sum;
    },
  },
};

function run(memory: Memory, call: FusedCall): void {
  const { plan, steps } = call;
  const elements = elementsOf(call);
  const sums = memory.scratch / 8;
  memory.f64.fill(0, sums, sums + plan.sums.length);
  for (let start = 0; start < elements; start += TILE) {
    const size = Math.min(TILE, elements - start);
    for (let k = 0; k < steps.length; k++) {
      const { instruction, call: tile, kernel } = steps[k];
      for (let i = 0; i < tile.inputs.length; i++) {
        settle(memory, call, tile.inputs[i], instruction.inputs[i], start);
        tile.inputs[i].size = size;
      }
      if (instruction.op === "broadcast") {
        const { at } = instruction.inputs[0];
        const view = tile.inputs[0];
        view.offset = call.inputs[at].offset;
        view.dims[0] = call.inputs[at].size;
        view.dims[1] = repeatsOf(call, (instruction.attrs as { axes: readonly number[] }).axes);
        view.dims[2] = start;
      }
      settle(memory, call, tile.outputs[0], instruction.output, start);
      tile.outputs[0].size = size;
      kernel.run(memory, tile);
    }
  }
  for (let k = 0; k < plan.sums.length; k++) {
    const output = call.outputs[plan.sums[k]];
    numbersOf(memory, output.dtype)[output.offset] = normal(memory.f64[sums + k]);
  }
}

/** The fused kernel over the kernels of single ops. */
export function fusedKernel(kernels: Partial<Kernels>): Kernel<"fused"> {
  const all = { ...kernels, ...ownKernels } as Readonly<Record<string, Kernel | undefined>>;
  return {
    supports: ({ operations }: FusedAttrs) => operations.every(({ op }) => all[op] !== undefined),
    prepare(call): FusedCall {
      const plan = planFused(call.attrs, call.inputs, call.outputs);
      const steps = plan.instructions.map((instruction): Ready => {
        const { op, attrs, inputs, output } = instruction;
        const tile = {
          op,
          attrs,
          inputs: inputs.map(emptyView),
          outputs: [emptyView(output)],
          sizes: call.sizes,
          walk: emptyWalk(),
        };
        return { instruction, call: tile as unknown as Call, kernel: all[op] as Kernel };
      });
      return { ...call, plan, steps };
    },
    scratch: (call) => {
      const { plan } = call as FusedCall;
      return sumsBytes(plan) + plan.registers * TILE * 4;
    },
    run: (memory, call) => run(memory, call as FusedCall),
  };
}
