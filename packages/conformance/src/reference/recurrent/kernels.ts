/** The recurrences that have a reference of their own, and their gradients, as the table of ops has them. The others mean what they decompose into. */
import { gradOf, type RecurrenceGradName, type RecurrenceName } from "@ostinato/core";
import type { Kernels } from "../kernel.ts";
import { gru } from "./gru.ts";
import { lstm } from "./lstm.ts";
import { rnn } from "./rnn.ts";

const own: { readonly [R in RecurrenceName]?: { readonly forward: unknown; readonly gradient: unknown } } = {
  lstm,
  gru,
  rnn,
};

export const recurrenceTable = Object.fromEntries(
  Object.entries(own).flatMap(([name, { forward, gradient }]) => [
    [name, forward],
    [gradOf(name as RecurrenceName), gradient],
  ]),
) as unknown as Partial<Kernels<RecurrenceName | RecurrenceGradName>>;
