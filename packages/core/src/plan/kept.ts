/** What a program keeps from run to run. */
import type { AnyStep, Program } from "./program.ts";

/**
 * Stands for what is kept of `steps`: their results, or what is packed for them. Programs of a session with the same key keep the same numbers and may
 * share them, so that a program that is compiled again, for larger batches, takes no more memory for them.
 */
export function keptKey({ values }: Program, steps: readonly AnyStep[]): string {
  const placeOf = (number: number): unknown => {
    const value = values[number];
    return [number, value?.storage.kind === "arena" || value];
  };
  // JSON has no infinities.
  const exact = (_: string, x: unknown): unknown => (typeof x === "number" ? `${x}` : x);
  const keys = steps.map(({ op, attrs, block, inputs, outputs }) => [
    op,
    attrs,
    block,
    [inputs, outputs].flat().map(placeOf),
  ]);
  return JSON.stringify(keys, exact);
}
