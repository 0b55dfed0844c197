/** Single numbers of the user's data: what counts as a number, and how errors show anything else. */
import { shown } from "../../nn/options.ts";
import { classOf } from "../../tensor.ts";

/** What stands for a number: `true` is 1, `false` is 0, and a whole number may be a bigint. */
export type Scalar = number | boolean | bigint;

/** The number that a scalar stands for. Anything else is returned unchanged. */
export function numberFrom(value: unknown): unknown {
  return typeof value === "boolean" || typeof value === "bigint" ? Number(value) : value;
}

/** Shows what stands where a number should: `the string "spam"`, `null`, `NaN`, `a list`. */
export function got(value: unknown): string {
  if (typeof value === "string") return `the string ${shown(value)}`;
  if (typeof value === "bigint") return `${value}n`;
  return isList(value) ? "a list" : shown(value);
}

/** Whether rows or numbers can be read from it: a list or a typed array, of this realm or another. */
export function isList(data: unknown): data is ArrayLike<unknown> {
  return Array.isArray(data) || (ArrayBuffer.isView(data) && classOf(data) !== "DataView");
}
