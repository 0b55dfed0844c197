/**
 * What a fused op leaves as it is where one operand is zero. The rows of a table that no id of a batch names have a gradient of zero, and many optimizers do not
 * change them: then there is nothing to write, and of the new numbers to look at the old ones.
 */
import type { View } from "@ostinato/backend-cpu";
import type { FusedAttrs } from "@ostinato/core";

/** What a result is where `operand` is zero: another operand, or the sum of x - x over one, which is zero but where a number is not finite. */
export interface Rest {
  readonly operand: number;
  readonly results: readonly { readonly is: "operand" | "flaws"; readonly of: number }[];
}

/** What is known of a value: it is zero, an operand, its difference from itself, or the sum of this. */
interface Known {
  readonly is: "zero" | "operand" | "difference" | "flaws" | "unknown";
  readonly of?: number;
}

const unknown: Known = { is: "unknown" };

function follow(op: string, a: Known, b: Known): Known {
  const [none, second] = [a.is === "zero", b.is === "zero"];
  if (op === "mul" && (none || second)) return { is: "zero" };
  if (op === "add" && (none || second)) return none ? b : a;
  if (op === "sub" && second) return a;
  if (op === "sub" && a.is === "operand" && b.is === "operand" && a.of === b.of)
    return { is: "difference", of: a.of as number };
  if (op === "div" && none && !second) return a;
  return op === "sum" && a.is === "difference" ? { is: "flaws", of: a.of as number } : unknown;
}

/** What of the kind is known of a fused op, from its operations alone; numbers are taken to be finite. */
export function restOf({ operands, operations, results }: FusedAttrs): Rest | undefined {
  for (let operand = 0; operand < operands.length; operand++) {
    if (operands[operand] !== "float32") continue;
    const known = operands.map((_, of): Known => (of === operand ? { is: "zero" } : { is: "operand", of }));
    for (const { op, inputs } of operations) {
      const [a = unknown, b = unknown] = inputs.map((input) => known[input]);
      known.push(follow(op, a, b));
    }
    const ends = results.map((result) => known[result] as Known);
    const isTold = ({ is }: Known): boolean => is === "operand" || is === "flaws";
    if (ends.length > 0 && ends.every(isTold)) return { operand, results: ends as Rest["results"] };
  }
  return undefined;
}

/** Whether each result that is an operand lies where that does. */
export function liesThere({ results }: Rest, inputs: readonly View[], outputs: readonly View[]): boolean {
  for (let i = 0; i < results.length; i++) {
    const { is, of } = results[i];
    if (is === "operand" && outputs[i].offset !== inputs[of].offset) return false;
  }
  return true;
}
