/** How a fused op goes over its elements, tile by tile: where each value lies, and the instructions for one tile. */
import type { DType, FusedAttrs, FusedOperation } from "@ostinato/core";

/** Elements of a tile: few enough that all values of one lie in the first caches, many enough that to begin an instruction counts for little. */
export const TILE = 1024;

/** Where the elements of a value in a tile are. */
export interface Place {
  readonly kind: "operand" | "uniform" | "register" | "result" | "sum";
  /** Of the operands (`uniform`, too), the registers, the results; of the sums. */
  readonly at: number;
  readonly dtype: DType;
}

/** One operation on a tile; `copy` writes a value to its result. */
export interface Instruction {
  readonly op: FusedOperation["op"] | "copy";
  readonly attrs: FusedOperation["attrs"];
  readonly inputs: readonly Place[];
  readonly output: Place;
}

export interface FusedPlan {
  readonly instructions: readonly Instruction[];
  readonly registers: number;
  /** Of each sum, the result that it is. */
  readonly sums: readonly number[];
}

/** Registers that are taken and given back. */
class Registers {
  count = 0;
  readonly #free: number[] = [];

  take(): number {
    return this.#free.pop() ?? this.count++;
  }

  release({ kind, at }: Place): void {
    if (kind === "register") this.#free.push(at);
  }
}

/**
 * Plans a fused op. `uniform` tells which operands are one number; `wanted` which results something reads. A result may lie where an operand
 * does: it is written once nothing reads operands any more.
 */
export function planFused(
  { operands, operations, results }: FusedAttrs,
  uniform: readonly boolean[],
  wanted: readonly boolean[],
): FusedPlan {
  const resultOf = new Map(results.flatMap((value, i) => (wanted[i] ? [[value, i] as const] : [])));
  const lastReads = new Map<number, number>();
  let lastOperand = -1;
  operations.forEach(({ inputs }, k) => {
    for (const input of inputs) {
      lastReads.set(input, k);
      if (input < operands.length) lastOperand = k;
    }
  });
  const registers = new Registers();
  const places: Place[] = operands.map((dtype, at) => ({ kind: "operand", at, dtype }));
  const instructions: Instruction[] = [];
  const copies: Instruction[] = [];
  const sums: number[] = [];
  operations.forEach(({ op, attrs, inputs, dtype }, k) => {
    const number = operands.length + k;
    const from = inputs.map((input) => places[input] as Place);
    const [source] = inputs;
    if (op === "broadcast" && uniform[source as number] && !resultOf.has(number)) {
      // Read where it is, again and again: by instructions that come after this one.
      places.push({ kind: "uniform", at: source as number, dtype });
      lastOperand = Math.max(lastOperand, lastReads.get(number) ?? k);
      return;
    }
    const result = resultOf.get(number);
    if (op === "sum") {
      places.push({ kind: "sum", at: sums.push(result as number) - 1, dtype });
      instructions.push({ op, attrs, inputs: from, output: places[number] as Place });
    } else {
      const direct = result !== undefined && k >= lastOperand;
      // Its own register, even where one of its operands is given back here: loops write while they read.
      const output: Place = direct
        ? { kind: "result", at: result, dtype }
        : { kind: "register", at: registers.take(), dtype };
      places.push(output);
      instructions.push({ op, attrs, inputs: from, output });
      if (result !== undefined && !direct)
        copies.push({ op: "copy", attrs: {}, inputs: [output], output: { kind: "result", at: result, dtype } });
      else if (!lastReads.has(number)) registers.release(output);
    }
    for (const input of new Set(inputs))
      if (lastReads.get(input) === k && !resultOf.has(input)) registers.release(places[input] as Place);
  });
  return { instructions: [...instructions, ...copies], registers: registers.count, sums };
}
