/** Products. */
import { ShapeError } from "../../errors.ts";
import type { OpAttrs } from "../ops.ts";
import { showType, type Value } from "../value.ts";
import { apply1 } from "./apply.ts";

/**
 * The general product: sums over the `contract` axes, goes in parallel over the `batch` axes. The result has the batch axes, then
 * the free axes of `a`, then those of `b`. Each group of axes must be a contiguous run of its operand.
 */
export function dot(a: Value, b: Value, attrs: Partial<OpAttrs["dot"]> & Pick<OpAttrs["dot"], "contract">): Value {
  return apply1("dot", [a, b], { contract: attrs.contract, batch: attrs.batch ?? [[], []] });
}

/** x [..., input] · w [input, output]: the last axis of `x` with the first of `w`. */
export function matmul(x: Value, w: Value): Value {
  if (w.type.shape.length !== 2 || x.type.shape.length === 0) {
    throw new ShapeError(
      `matmul takes x: [..., input] and w: [input, output], got ${showType(x.type)} and ${showType(w.type)}`,
    );
  }
  return dot(x, w, { contract: [[x.type.shape.length - 1], [0]] });
}
