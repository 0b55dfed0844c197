/** The recurrences of the reference and their gradients, as the table of ops has them. */
import { gradOf, type RecurrenceGradName, type RecurrenceName } from "@ostinato/core";
import type { Kernels } from "../kernel.ts";
import { gru } from "./gru.ts";
import { lstm } from "./lstm.ts";
import { rnn } from "./rnn.ts";

const recurrences: { readonly [R in RecurrenceName]: { readonly forward: unknown; readonly gradient: unknown } } = {
  lstm,
  gru,
  rnn,
};

export const recurrenceTable = Object.fromEntries(
  Object.entries(recurrences).flatMap(([name, { forward, gradient }]) => [
    [name, forward],
    [gradOf(name as RecurrenceName), gradient],
  ]),
) as unknown as Kernels<RecurrenceName | RecurrenceGradName>;
