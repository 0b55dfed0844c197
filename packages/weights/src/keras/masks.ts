/** The origin of masks in Keras models. Masks that Keras derives from its layers become row lengths; other masks are rejected. */

/** The comparisons that a mask is made of, such as "ids ≠ 0". */
export type Mask = ReadonlySet<string>;

/** The comparison of a value, identified by its key, with a number. */
export const comparison = (key: string, number: unknown): Mask => new Set([`${key} ≠ ${Number(number)}`]);

/** Whether two masks select the same steps. No mask selects all steps. */
export const sameMask = (a: Mask | undefined, b: Mask | undefined): boolean =>
  [...(a ?? [])].sort().join() === [...(b ?? [])].sort().join();

/** Operations that combine masks into a mask. */
const combining = new Set(
  "Any All LogicalOr LogicalAnd ExpandDims Squeeze ConvertToTensor Cast Concatenate BroadcastTo".split(" "),
);
/** Operations that make constants with the shape of their input. */
const constant = new Set(["ZerosLike", "OnesLike"]);

/** An operand: a value by its key, a mask, or a number. */
export interface Operand {
  readonly key?: string;
  readonly mask?: Mask;
  readonly number?: number;
}

/** The mask that an operation computes; undefined for other operations. */
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
