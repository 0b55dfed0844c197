/** What a fused op leaves as it is: the rows of a table that no id of a batch names have a gradient of zero, and many optimizers do not change them. */
import type { View } from "@ostinato/backend-cpu";
import type { FusedAttrs } from "@ostinato/core";

/** Where one operand is zero, each result is another operand. */
export interface Still {
  /** The operand, and for each result the one that it is. */
  readonly operand: number;
  readonly results: readonly number[];
}

const ZERO = -1;
const UNKNOWN = -2;

/** The number of the operand that the result of an operation is, or what is known of it, from those of what it reads. */
function follow(op: string, a: number, b: number): number {
  const [none, both] = [a === ZERO || b === ZERO, a === ZERO && b === ZERO];
  if (op === "mul" && none) return ZERO;
  if (op === "add" && none) return a === ZERO ? b : a;
  if (op === "sub" && b === ZERO) return a;
  return op === "div" && a === ZERO && !both ? ZERO : UNKNOWN;
}

/** What of the kind is known of a fused op, from its operations alone; numbers are taken to be finite. */
export function stillOf({ operands, operations, results }: FusedAttrs): Still | undefined {
  for (let operand = 0; operand < operands.length; operand++) {
    if (operands[operand] !== "float32") continue;
    const known = operands.map((_, at) => (at === operand ? ZERO : at));
    for (const { op, inputs } of operations) {
      const [a, b] = inputs.map((input) => known[input] as number);
      known.push(follow(op, a as number, b ?? UNKNOWN));
    }
    const ends = results.map((result) => known[result] as number);
    if (ends.length > 0 && ends.every((end) => end >= 0)) return { operand, results: ends };
  }
  return undefined;
}

/** Whether each result lies where the operand does that it is. */
export function liesStill({ results }: Still, inputs: readonly View[], outputs: readonly View[]): boolean {
  for (let i = 0; i < results.length; i++) if (outputs[i].offset !== inputs[results[i]].offset) return false;
  return true;
}
