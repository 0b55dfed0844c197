/** The builder of the crossentropy of a softmax. */
import type { Value } from "../value.ts";
import { apply } from "./apply.ts";

/**
 * The crossentropy of softmax(`logits`) and `labels`, for each row: -log of the probability of the label's class. No row of the softmax and no
 * one-hot is made.
 *
 * @param logits float32 […, classes]
 * @param labels int32 […], each below `classes`
 * @param options `labelSmoothing` s (default 0) takes labels for distributions: 1 - s at the label, plus s / classes everywhere
 * @returns float32 […]
 */
export function softmaxCrossentropy(
  logits: Value,
  labels: Value,
  { labelSmoothing = 0 }: { readonly labelSmoothing?: number } = {},
): Value {
  return apply("softmaxCrossentropy", [logits, labels], { labelSmoothing })[0] as Value;
}
