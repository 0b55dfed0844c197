/** The functions that make layers of sequences, beside the recurrent ones. */
import type { ListLayer } from "./define.ts";
import type { Layer, PointwiseLayer, Symbolic } from "./layer.ts";
import { createLayer as create, type NameOptions, type OptionsOf } from "./make.ts";
import { type MaskingConfig, masking as maskingLayer } from "./masking.ts";
import { spatialDropout1d as spatialDropout1dLayer } from "./noise.ts";
import type { DropoutConfig } from "./pointwise.ts";
import {
  globalAveragePooling1d as globalAveragePooling1dLayer,
  globalMaxPooling1d as globalMaxPooling1dLayer,
  lastStep as lastStepLayer,
} from "./pooling.ts";
import {
  type RepeatVectorConfig,
  repeatAlong as repeatAlongLayer,
  repeatVector as repeatVectorLayer,
} from "./repeating.ts";
import { timeDistributed as timeDistributedLayer } from "./timeDistributed.ts";

/**
 * The largest number of each feature over the steps of a row: [batch, time, features] → [batch, features]. Steps past a row's length take no part; a row
 * without a step gives zeros. Steps that are equally large share the gradient.
 *
 * (Keras's layer takes no mask, and looks at padding too.)
 *
 * @example
 * sequential([embedding({ inputDim: 5000, outputDim: 128, maskZero: true }), globalMaxPooling1d(), dense({ units: 1, activation: "sigmoid" })])
 */
export function globalMaxPooling1d(options?: NameOptions): Layer<"sequence", "features"> {
  return create("globalMaxPooling1d", globalMaxPooling1dLayer, options);
}

/**
 * The mean of each feature over the steps of a row: [batch, time, features] → [batch, features]. Steps past a row's length take no part; a row without a
 * step gives zeros.
 */
export function globalAveragePooling1d(options?: NameOptions): Layer<"sequence", "features"> {
  return create("globalAveragePooling1d", globalAveragePooling1dLayer, options);
}

/**
 * The last step of each row, the one at its length - 1: [batch, time, features] → [batch, features]. A row without a step gives zeros. Of a recurrence with
 * `returnSequences` it is what the layer gives without, unless it reads in `reverse`: the last step is the first that it read.
 */
export function lastStep(options?: NameOptions): Layer<"sequence", "features"> {
  return create("lastStep", lastStepLayer, options);
}

/**
 * Applies a layer of features to each step of a sequence, with one set of weights: [batch, time, features] → [batch, time, what the layer makes of them]. It
 * takes any layer from features to features, those of `defineLayer` too. The library's own compute a sequence as they do features, so that
 * `timeDistributed(dense({ units: 4 }))` gives what `dense({ units: 4 })` gives; any other is run step by step. Dropout is drawn for each step.
 *
 * Its parameters are called after it, `timeDistributed/layer/kernel`.
 *
 * @throws ConfigError for a layer that does not make features of features: sequences of sequences, [batch, time, inner, features], are no kind of data here
 * @example timeDistributed(gate({ units: 8 }), { name: "gates" })(steps)
 */
export function timeDistributed(
  layer: Layer<"features", "features"> | PointwiseLayer,
  options: NameOptions = {},
): Layer<"sequence", "sequence"> {
  return create("timeDistributed", timeDistributedLayer, { ...options, layer } as NameOptions);
}

/**
 * Finds where rows end: a step whose features all equal `maskValue` (default 0) is none, and a row is as long as its last other step says. So layers behind
 * it leave padding out, as behind an `embedding` with `maskZero`. [batch, time, features] → the same.
 *
 * Keras skips such steps wherever they stand; here rows end once. Data of an input that the layer reads is checked: such a step before the end of its row is
 * a `DataError` that names the row; leave the step out, which is what recurrences of Keras do with it. In what another layer made it counts as a step of zeros.
 *
 * Rows of an input may be ragged lists where `maskValue` is 0, which fills them up, or where the input has `lengths: true`; then a row ends at the earlier of
 * both.
 *
 * @example sequential([input({ shape: ["time", 3] }), masking(), globalAveragePooling1d(), dense({ units: 1 })])
 */
export function masking(options?: OptionsOf<MaskingConfig, never>): Layer<"sequence", "sequence"> {
  return create("masking", maskingLayer, options);
}

/**
 * The vector of each row at each of `n` steps: [batch, features] → [batch, n, features]. Targets and outputs over these steps have `n` steps in every row.
 * For as many steps as another sequence has there is `repeatAlong`.
 *
 * @example
 * // Ten steps ahead of what was seen: `reader` gives features, `writer` a sequence.
 * sequential([input({ shape: ["time", 3] }), reader, repeatVector({ n: 10 }), writer, dense({ units: 3 })])
 */
export function repeatVector(options: OptionsOf<RepeatVectorConfig, "n">): Layer<"features", "sequence"> {
  return create("repeatVector", repeatVectorLayer, options);
}

/**
 * The vector of each row at each step of a sequence, with the lengths of that: `repeatAlong()([vector, sequence])`, [batch, features] and
 * [batch, time, others] → [batch, time, features].
 *
 * @example
 * const read = concatenate()([said, repeatAlong()([context, said])]); // what a decoder reads: its words, and the context at each of them
 */
export function repeatAlong(
  options?: NameOptions,
): ListLayer<readonly [vector: Symbolic<"features">, sequence: Symbolic<"sequence">], Symbolic<"sequence">> {
  return create("repeatAlong", repeatAlongLayer, options);
}

/**
 * In training drops whole features (Tompson et al. 2015): with probability `rate` a feature of a row is 0 at all its steps, and the others are scaled by
 * 1 / (1 - rate); else passes all through. [batch, time, features] → the same.
 */
export function spatialDropout1d(options: OptionsOf<DropoutConfig, "rate">): Layer<"sequence", "sequence"> {
  return create("spatialDropout1d", spatialDropout1dLayer, options);
}
