/** Fused elementwise ops, and each of them alone: written down as code, which the module runs tile by tile on all threads. */
import {
  aligned,
  type Call,
  elementsOf,
  type FusedPlan,
  type Kernel,
  normal,
  type Place,
  planFused,
  repeatsOf,
  supportingKernels,
  type View,
} from "@ostinato/backend-cpu";
import type { DType, FusedAttrs, FusedOperation } from "@ostinato/core";
import type { WasmMemory } from "../memory.ts";
import { bytes, type Chain, chains, counts, fields, fusedOps } from "../protocol.ts";
import { moveKernels } from "./move.ts";
import { liesThere, type Rest, restOf } from "./rest.ts";

/** Results of operations from which on it pays to share them with the other threads, and to wake these. */
const MANY = 2 ** 17;
const TO_WAKE = 2 ** 19;
const TILE_BYTES = 4 * counts.tile;
const PLACE_WORDS = bytes.place / 4;
const INSTRUCTION_WORDS = bytes.instruction / 4;
/** Kinds of places that lie in the room of a thread; others are the binary logarithm of an element's bytes. */
const UNIFORM = -2;
const REGISTER = -1;

/** An instruction with what does not change from run to run. */
interface Coded {
  readonly code: number;
  readonly output: Place;
  readonly inputs: readonly Place[];
  /** Of a broadcast. */
  readonly axes: readonly number[] | undefined;
}

interface FusedCall extends Call<"fused"> {
  readonly plan: FusedPlan;
  readonly coded: readonly Coded[];
  /** Operands that are one number, in the order of their places in a room. */
  readonly uniforms: readonly number[];
  readonly tiles: number;
  /** What the results are in tiles where one operand is zero, and the instructions for these. */
  readonly rest: Rest | undefined;
  readonly restCoded: readonly Coded[];
}

const suffixes: Readonly<Record<DType, string>> = { float32: "", int32: "Int", bool: "Bool" };
const names: Readonly<Record<DType, string>> = { float32: "float", int32: "int", bool: "bool" };
const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** The number of an instruction; -1 where the module has none. `from` is the data type of the operands, or of what is chosen. */
function codeOf(op: FusedOperation["op"] | "copy", from: DType, to: DType): number {
  let name: string = op + suffixes[from];
  if (op === "cast") name = `${names[from]}To${capital(names[to])}`;
  else if (op === "select" && to !== "bool") name = op;
  else if (op === "copy" || op === "broadcast")
    name = `${op === "copy" ? op : "spread"}${to === "bool" ? "Bytes" : ""}`;
  return (fusedOps as readonly string[]).indexOf(name);
}

function supports({ operands, operations }: FusedAttrs): boolean {
  const dtypes = [...operands, ...operations.map(({ dtype }) => dtype)];
  return operations.every(({ op, inputs, dtype }) => codeOf(op, dtypes[inputs.at(-1) as number] as DType, dtype) >= 0);
}

/** The operations with each chain as one, which has the name of the chain in its attributes. */
function joined({ shape, operands, operations, results }: FusedAttrs): FusedAttrs {
  const dtypes = [...operands, ...operations.map(({ dtype }) => dtype)];
  const first = operands.length;
  const reads = [...operations.flatMap(({ inputs }) => inputs), ...results];
  /** What a chain that ends with `value` reads goes to `found`, the operations in it to `within`. */
  const fits = (part: number | Chain, value: number, found: number[], within: number[]): boolean => {
    if (typeof part === "number") {
      found[part] ??= value;
      return found[part] === value && dtypes[value] === "float32";
    }
    const [op, ...parts] = part as readonly [string, ...(number | Chain)[]];
    const operation = operations[value - first];
    if (operation?.op !== op || (within.push(value) > 1 && reads.filter((read) => read === value).length > 1))
      return false;
    return parts.every((part, i) => fits(part, operation.inputs[i] as number, found, within));
  };
  const inside = new Set<number>();
  const made = [...operations];
  for (let k = operations.length - 1; k >= 0; k--)
    for (const [chain, part] of Object.entries(chains)) {
      const [inputs, within]: [number[], number[]] = [[], []];
      if (inside.has(first + k) || !fits(part, first + k, inputs, within)) continue;
      made[k] = { ...operations[k], attrs: { chain }, inputs } as unknown as FusedOperation;
      for (const value of within.slice(1)) inside.add(value);
      break;
    }
  const left = made.filter((_, k) => !inside.has(first + k));
  const numberOf = (value: number): number =>
    value < first ? value : first + left.indexOf(made[value - first] as FusedOperation);
  return {
    shape,
    operands,
    operations: left.map((operation) => ({ ...operation, inputs: operation.inputs.map(numberOf) })),
    results: results.map(numberOf),
  };
}

function prepared(call: Call, attrs: FusedAttrs): FusedCall {
  const sizes = call.inputs.map(({ size, stride }) => ({ size: stride === 0 ? 1 : size }));
  const plan = planFused(joined(attrs), sizes, call.outputs);
  const places = plan.instructions.flatMap(({ inputs }) => inputs);
  const uniforms = [...new Set(places.filter(({ kind }) => kind === "uniform").map(({ at }) => at))];
  const coded = plan.instructions.map(({ op, attrs, inputs, output }): Coded => {
    const { chain } = attrs as { chain?: keyof typeof chains };
    const code = chain ? fusedOps.indexOf(chain) : codeOf(op, (inputs.at(-1) as Place).dtype, output.dtype);
    return { code, output, inputs, axes: op === "broadcast" ? (attrs as { axes: readonly number[] }).axes : undefined };
  });
  const rest = restOf(attrs);
  const restCoded = (rest?.results ?? []).flatMap(({ is, of }, i): Coded[] => {
    const at = plan.sums.indexOf(i);
    if (is === "operand" || at < 0) return [];
    const place = { at: of, kind: "operand", dtype: "float32" } as const;
    const output = { at, kind: "sum", dtype: "float32" } as const;
    return [{ code: fusedOps.indexOf("flaws"), output, inputs: [place], axes: undefined }];
  });
  const fused = { ...call, op: "fused" as const, attrs, plan, coded, uniforms, rest, restCoded };
  return { ...fused, tiles: Math.ceil(elementsOf(fused) / counts.tile) };
}

function codeBytes({ coded, restCoded, uniforms }: FusedCall): number {
  const instructions = coded.length + restCoded.length;
  return aligned(4 * (uniforms.length * PLACE_WORDS + instructions * INSTRUCTION_WORDS));
}

/** Of the numbers that stand for all, the registers, and a spare tile. */
function roomBytes({ plan, uniforms }: FusedCall): number {
  return aligned(uniforms.length * bytes.uniform + (plan.registers + 1) * TILE_BYTES);
}

function sumsBytes({ plan, tiles }: FusedCall): number {
  return aligned(8 * plan.sums.length * tiles);
}

function addressIn(memory: WasmMemory, { inputs, outputs }: Call, { kind, at }: Place): number {
  return memory.address(((kind === "result" ? outputs : inputs) as readonly View[])[at] as View);
}

/** Writes a place down; returns where the next one goes. `sums` is the address of the sums, one after another, of `tiles` each. */
function writePlace(memory: WasmMemory, call: FusedCall, place: Place, to: number, sums: number): number {
  const words = memory.i32;
  const { kind, at, dtype } = place;
  if (kind === "register") {
    words[to] = REGISTER;
    words[to + 1] = call.uniforms.length * bytes.uniform + at * TILE_BYTES;
  } else if (kind === "uniform") {
    words[to] = UNIFORM;
    words[to + 1] = call.uniforms.indexOf(at) * bytes.uniform;
  } else if (kind === "sum") {
    words[to] = 0;
    words[to + 1] = sums + 8 * at * call.tiles;
  } else {
    words[to] = dtype === "bool" ? 0 : 2;
    words[to + 1] = addressIn(memory, call, place);
  }
  return to + PLACE_WORDS;
}

/** Writes the code of a call to scratch. */
function writeCode(memory: WasmMemory, call: FusedCall, sums: number): void {
  const words = memory.i32;
  let to = memory.scratch / 4;
  for (let i = 0; i < call.uniforms.length; i++) {
    const view = call.inputs[call.uniforms[i]];
    words[to] = view.dtype === "bool" ? 0 : 2;
    words[to + 1] = memory.address(view);
    to += PLACE_WORDS;
  }
  to = writeInstructions(memory, call, call.coded, to, sums);
  writeInstructions(memory, call, call.restCoded, to, sums);
}

/** Writes instructions down; returns where the next ones go. */
function writeInstructions(
  memory: WasmMemory,
  call: FusedCall,
  coded: readonly Coded[],
  start: number,
  sums: number,
): number {
  const words = memory.i32;
  let to = start;
  for (let k = 0; k < coded.length; k++) {
    const { code, output, inputs, axes } = coded[k];
    words[to] = code;
    let place = writePlace(memory, call, output, to + 1, sums);
    for (let i = 0; i < inputs.length; i++) place = writePlace(memory, call, inputs[i], place, sums);
    if (axes !== undefined) {
      words[place] = call.inputs[inputs[0].at].size;
      words[place + 1] = repeatsOf(call, axes);
    }
    to += INSTRUCTION_WORDS;
  }
  return to;
}

/** Where the module looks whether a tile has the other instructions; 0: none has. */
function restAddress(memory: WasmMemory, { rest, inputs, outputs }: FusedCall): number {
  return rest && liesThere(rest, inputs, outputs) ? memory.address(inputs[rest.operand]) : 0;
}

function run(memory: WasmMemory, call: FusedCall): void {
  const elements = elementsOf(call);
  const code = memory.addressOf(memory.scratch);
  const sums = memory.scratch + codeBytes(call);
  writeCode(memory, call, memory.addressOf(sums));
  const to = memory.arguments;
  const at = fields.fused;
  to[at.size] = elements;
  to[at.uniforms] = call.uniforms.length;
  to[at.instructions] = call.coded.length;
  to[at.code] = code;
  to[at.rooms] = memory.addressOf(sums + sumsBytes(call));
  to[at.roomBytes] = roomBytes(call);
  to[at.rest] = restAddress(memory, call);
  to[at.restInstructions] = call.restCoded.length;
  const made = elements * call.attrs.operations.length;
  memory.run("fused", made >= MANY, made >= TO_WAKE);
  const tiles = Math.ceil(elements / counts.tile);
  for (let k = 0; k < call.plan.sums.length; k++) {
    let sum = 0;
    for (let tile = 0; tile < tiles; tile++) sum += memory.f64[sums / 8 + k * call.tiles + tile];
    const { dtype, offset } = call.outputs[call.plan.sums[k]];
    if (dtype === "float32") memory.f32[offset] = normal(sum);
    else memory.i32[offset] = sum;
  }
}

const scratchOf = (call: FusedCall, threads: number): number =>
  codeBytes(call) + sumsBytes(call) + threads * roomBytes(call);

/** An op alone as the only operation of a fused one; undefined where it goes by other elements than its own. */
function asFused({ op, attrs, inputs, outputs }: Call): FusedAttrs | undefined {
  const [output] = outputs;
  const shape = op === "sum" ? inputs[0].shape : output.shape;
  const loads = inputs.flatMap(({ dtype, stride }, i) =>
    stride === 0 ? [{ op: "broadcast", attrs: { shape, axes: [] }, inputs: [i], dtype } as FusedOperation] : [],
  );
  let next = inputs.length;
  const reads = inputs.map(({ stride }, i) => (stride === 0 ? next++ : i));
  const operation = { op, attrs, inputs: reads, dtype: output.dtype } as FusedOperation;
  if (operation.op === "sum" && operation.attrs.axes.length < shape.length) return undefined;
  if (operation.op === "broadcast" && operation.attrs.axes.some((axis, i, axes) => i > 0 && axis !== axes[i - 1] + 1))
    return undefined;
  return { shape, operands: inputs.map(({ dtype }) => dtype), operations: [...loads, operation], results: [next] };
}

/** The kernel of an op alone: by the module where that has code for it, else by `plain`. */
function alone(threads: number, plain?: Kernel): Kernel {
  return {
    prepare: (call) => {
      const attrs = asFused(call);
      return attrs && supports(attrs) ? prepared(call, attrs) : call;
    },
    scratch: (call) => ("plan" in call ? scratchOf(call as FusedCall, threads) : 0),
    run: (memory, call) => {
      if ("plan" in call) run(memory as WasmMemory, call as FusedCall);
      else plain?.run(memory, call);
    },
  };
}

/** What runs alone by the module, whatever the operands. */
const single = [
  ...["neg", "exp", "log", "sqrt", "abs", "sign", "tanh", "sigmoid", "relu", "softplus"],
  ...["add", "sub", "mul", "div", "maximum", "minimum", "less", "equal"],
] as const;
type Single = (typeof single)[number];

export const fusedKernels = (threads: number) => {
  const fused: Kernel<"fused"> = {
    supports,
    prepare: (call) => prepared(call, call.attrs),
    scratch: (call) => scratchOf(call as FusedCall, threads),
    run: (memory, call) => run(memory as WasmMemory, call as FusedCall),
  };
  const kernels = single.map((op) => [op, alone(threads)]);
  return {
    ...(Object.fromEntries(kernels) as { readonly [O in Single]: Kernel }),
    select: alone(threads, supportingKernels.select as Kernel),
    cast: alone(threads, supportingKernels.cast as Kernel),
    broadcast: alone(threads, moveKernels.broadcast as Kernel),
    fused,
  };
};

/** Of all elements. */
export const totalKernel = (threads: number): Kernel => alone(threads);
