/** What a loss is: the targets that it takes, what it may know, and what it gives. */
import type { Value } from "../../ir/ops.ts";
import type { Flow } from "../../nn/kinds.ts";
import type { BuildContext } from "../../nn/layer.ts";
import type { Json } from "../../nn/options.ts";
import type { TargetSpec } from "./target.ts";

/** What a loss may know beside the prediction and the target, and may ask for. */
export interface LossContext {
  /** The first parts of its parameters' names: the output's name and the loss's kind, `tags/crf`. */
  readonly name: string;
  /** The prediction as a layer gives it: float32 [time, batch, features] with the lengths of its rows, or [batch, features]. */
  readonly output: Flow;
  /** int32 [batch]: the lengths of the targets' rows, where the target has some of its own. */
  readonly targetLengths?: Value;
  /**
   * The parameter `name/suffix`, float32 of `shape`, which is trained with those of the model. It begins as an initializer or a function says.
   *
   * @throws ConfigError, ShapeError where it was asked for before in another shape, with another initializer or other traits
   */
  readonly parameter: BuildContext["parameter"];
  /** In training: a dropout mask of a shape, as layers have it. What is random in a loss comes from it, new in each step, and the same on all backends. Absent in evaluation. */
  readonly mask?: BuildContext["mask"];
}

/** What training minimises. Made by a function such as `binaryCrossentropy()`. */
export interface Loss {
  readonly kind: string;
  /** Its options with all defaults filled in: with `kind` all that makes it what it is. Absent: it has none. */
  readonly options?: { readonly [name: string]: Json };
  /** It is kept with the trained model, whose predictions are read with its options. One with parameters always is. */
  readonly kept?: true;
  /** The form of the targets for an output, called `name`. @throws ShapeError where the output cannot have this loss */
  target(name: string, output: Flow): TargetSpec;
  /**
   * One number for each row of the prediction: [rows…, features] → [rows…], where the steps of a sequence are rows like any other. Where the target says
   * `each: "row"` one for each row of the batch, [batch], which leaves out what is past `context.output.lengths` by itself.
   */
  perRow(prediction: Value, target: Value, context: LossContext): Value;
}

/** A loss of each row, or step, by itself: it needs to know nothing else. */
export interface RowwiseLoss extends Loss {
  perRow(prediction: Value, target: Value): Value;
}
