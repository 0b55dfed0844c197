/** Where masks of Keras's models come from. Those that Keras makes by itself are the lengths of rows here, and need not be read; others are refused. */

/** Comparisons that a mask is made of, such as "ids ≠ 0". */
export type Mask = ReadonlySet<string>;

/** The comparison of a value, which a key stands for, with a number. */
export const comparison = (key: string, number: unknown): Mask => new Set([`${key} ≠ ${Number(number)}`]);

/** Whether two masks are of the same steps; no mask is one of all. */
export const sameMask = (a: Mask | undefined, b: Mask | undefined): boolean =>
  [...(a ?? [])].sort().join() === [...(b ?? [])].sort().join();

/** Operations that make a mask of masks. */
const combining = new Set(
  "Any All LogicalOr LogicalAnd ExpandDims Squeeze ConvertToTensor Cast Concatenate BroadcastTo".split(" "),
);
/** Operations that make constants in the shape of what they read. */
const constant = new Set(["ZerosLike", "OnesLike"]);

/** What an operation reads: a value by its key, a mask, or a number. */
export interface Operand {
  readonly key?: string;
  readonly mask?: Mask;
  readonly number?: number;
}

/** The mask that an operation makes; undefined where it makes something else. */
export function maskOf(operation: string, operands: readonly Operand[]): Mask | undefined {
  if (constant.has(operation)) return new Set();
  if (operation === "NotEqual") {
    const key = operands.find((operand) => operand.key !== undefined)?.key;
    const number = operands.find((operand) => operand.number !== undefined)?.number;
    return key === undefined || number === undefined ? undefined : comparison(key, number);
  }
  if (!combining.has(operation) || operands.some(({ key }) => key !== undefined)) return undefined;
  return new Set(operands.flatMap(({ mask }) => [...(mask ?? [])]));
}
