/** What the kernels of all recurrences ask of a call: its attributes, its optional inputs, and the cotangents and gradients of a gradient op. */
import { constantOptions, factsOf, type RecurrenceAttrs, type RecurrenceName, recurrenceInputs } from "@ostinato/core";
import type { View } from "../../call.ts";

/** A call of a recurrence, as far as all are alike. */
export interface RecurrentCall {
  readonly attrs: Pick<RecurrenceAttrs, "hiddenSize" | "direction"> & { readonly options: readonly string[] };
  readonly inputs: readonly View[];
  readonly outputs: readonly View[];
  readonly packed?: View;
}

/** A call of a gradient op. */
export interface RecurrentGradCall extends RecurrentCall {
  readonly attrs: RecurrentCall["attrs"] & { readonly cotangents: readonly string[] };
}

/** Whether a recurrence has its default activations, no clip, and no optional inputs but these; what kernels do not compute is decomposed. */
export function isOrdinary(name: RecurrenceName, attrs: RecurrenceAttrs, options: readonly string[]): boolean {
  return (
    attrs.activations.every((activation, i) => activation === factsOf(name).activations[i]) &&
    attrs.clip === undefined &&
    attrs.options.every((option) => options.includes(option))
  );
}

/** The optional input of that name. */
export function optionOf({ attrs, inputs }: RecurrentCall, name: string): View | undefined {
  const index = attrs.options.indexOf(name);
  return index < 0 ? undefined : inputs[recurrenceInputs.length + index];
}

/** What a gradient op reads of its forward op beside the inputs: y, then what is kept. */
export function keptOf({ attrs, inputs }: RecurrentGradCall, index: number): View {
  return inputs[recurrenceInputs.length + attrs.options.length + index];
}

/** The cotangent of that output of the forward op. */
export function cotangentOf({ attrs, inputs }: RecurrentGradCall, name: string): View | undefined {
  const { cotangents } = attrs;
  const index = cotangents.indexOf(name);
  return index < 0 ? undefined : inputs[inputs.length - cotangents.length + index];
}

/** Where the gradient of that optional input goes. */
export function gradientOf({ attrs, outputs }: RecurrentGradCall, name: string): View | undefined {
  let output = recurrenceInputs.length;
  for (let k = 0; k < attrs.options.length; k++) {
    if (constantOptions.includes(attrs.options[k])) continue;
    if (attrs.options[k] === name) return outputs[output];
    output++;
  }
  return undefined;
}

/** A view's offset; -1 where there is none, or nothing reads it. */
export function offsetOf(view: View | undefined): number {
  return view === undefined ? -1 : view.offset;
}
