/** The builders of the crossentropy of a softmax, and of what it is computed with. */
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

/** What the logarithm of a softmax subtracts from each row of logits, one after the other. */
export interface LogNormalizer {
  /** The largest logit: float32 […]. */
  readonly largest: Value;
  /** The logarithm of the sum of exp(logit - largest): float32 […]. */
  readonly logSum: Value;
}

/**
 * What logSoftmax(`logits`) is computed with, for where few of its elements are asked for: (logit - largest) - logSum.
 *
 * @param logits float32 […, classes]
 * @param labels int32 […], any classes
 */
export function logNormalizer(logits: Value, labels: Value): LogNormalizer {
  const [, largest, logSum] = apply("softmaxCrossentropy", [logits, labels], { labelSmoothing: 0 });
  return { largest: largest as Value, logSum: logSum as Value };
}
