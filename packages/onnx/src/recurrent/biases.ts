/** The two biases of ONNX's recurrences, Wb and Rb. Most of our recurrences have one. */
import type { RecurrenceName } from "@ostinato/core";

/**
 * Whether Rb can be added to Wb in advance. In a GRU whose reset gate is applied after the product with R, the gate also multiplies Rb, so it is kept separate.
 *
 * @param flags the attributes of the recurrence by our names
 */
export const addsBiases = (name: RecurrenceName, flags: Readonly<Record<string, unknown>>): boolean =>
  name !== "gru" || flags.linearBeforeReset !== true;
