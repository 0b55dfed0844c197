/** How a fused op goes over its elements, tile by tile: where each value lies, and the instructions for one tile. */
import type { DType, FusedAttrs, FusedOperation } from "@ostinato/core";
import type { View } from "../call.ts";

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

/** What a fused op does with each tile. */
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
 * Plans a fused op on views at full capacity: an operand that is one number there always is. A result may lie where an operand does: it is written once
 * nothing reads operands any more.
 */
export function planFused(
  { operands, operations, results }: FusedAttrs,
  inputs: readonly Pick<View, "size">[],
  outputs: readonly Pick<View, "offset">[],
): FusedPlan {
  const isRead = (i: number): boolean => (outputs[i]?.offset ?? -1) >= 0;
  const resultOf = new Map(results.flatMap((value, i) => (isRead(i) ? [[value, i] as const] : [])));
  const lastReads = new Map<number, number>();
  let lastOperand = -1;
  operations.forEach(({ inputs: reads }, k) => {
    for (const read of reads) {
      lastReads.set(read, k);
      if (read < operands.length) lastOperand = k;
    }
  });
  const registers = new Registers();
  const places: Place[] = operands.map((dtype, at) => ({ kind: "operand", at, dtype }));
  const instructions: Instruction[] = [];
  const copies: Instruction[] = [];
  const sums: number[] = [];
  operations.forEach(({ op, attrs, inputs: reads, dtype }, k) => {
    const number = operands.length + k;
    const from = reads.map((read) => places[read] as Place);
    const [source] = reads;
    if (op === "broadcast" && inputs[source as number]?.size === 1 && !resultOf.has(number)) {
      // Read where it is, again and again: by instructions that come after this one.
      places.push({ kind: "uniform", at: source as number, dtype });
      lastOperand = Math.max(lastOperand, lastReads.get(number) ?? k);
      return;
    }
    const result = resultOf.get(number);
    const direct = result !== undefined && k >= lastOperand;
    const toResult: Place = { kind: "result", at: result ?? -1, dtype };
    let output = toResult;
    if (op === "sum") output = { kind: "sum", at: result === undefined ? -1 : sums.push(result) - 1, dtype };
    else if (!direct) output = { kind: "register", at: registers.take(), dtype };
    places.push(output);
    if (op !== "sum" || result !== undefined) instructions.push({ op, attrs, inputs: from, output });
    if (output.kind === "register") {
      if (result !== undefined) copies.push({ op: "copy", attrs: {}, inputs: [output], output: toResult });
      else if (!lastReads.has(number)) registers.release(output);
    }
    for (const read of new Set(reads))
      if (lastReads.get(read) === k && !resultOf.has(read)) registers.release(places[read] as Place);
  });
  return { instructions: [...instructions, ...copies], registers: registers.count, sums };
}
