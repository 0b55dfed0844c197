/** What a program keeps from run to run. */
import type { Program } from "./program.ts";

/**
 * Two programs of a session with the same key keep the same numbers, and may share them: a program that is compiled again, for larger batches, then takes
 * no more memory for it.
 */
export function keptKey({ steps, prepared, values }: Program): string {
  const first = steps.slice(0, prepared);
  const numbers = new Set(first.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
  const places = [...numbers].map((number) => {
    const { dtype, shape, storage } = values[number] ?? {};
    return { dtype, shape, storage: storage?.kind === "arena" || storage };
  });
  // JSON has no infinities.
  const exact = (_: string, x: unknown): unknown => (typeof x === "number" ? `${x}` : x);
  return JSON.stringify([first.map((step) => ({ ...step, releases: [] })), places], exact);
}
