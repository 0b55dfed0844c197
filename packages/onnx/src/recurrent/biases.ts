/** The two biases of ONNX's recurrences, Wb and Rb, of which ours are mostly one. */
import type { RecurrenceName } from "@ostinato/core";

/**
 * Whether Rb can be added to Wb beforehand. In a GRU whose reset gate comes after the product with R, that gate multiplies Rb, so that it stays apart.
 *
 * @param flags those of the recurrence by our names
 */
export const addsBiases = (name: RecurrenceName, flags: Readonly<Record<string, unknown>>): boolean =>
  name !== "gru" || flags.linearBeforeReset !== true;
