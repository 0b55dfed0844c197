/** What each composite means in simpler ops. */
import { abs, add, cast, div, equal, exp, less, log, maximum, mul, neg, select, sub } from "../ir/build/elementwise.ts";
import { max, sum } from "../ir/build/reduce.ts";
import { broadcast } from "../ir/build/shape.ts";
import { iota } from "../ir/build/source.ts";
import type { CompositeName, OpAttrs } from "../ir/ops.ts";
import { byRecurrence, byRecurrenceGrad } from "../ir/recurrences.ts";
import type { Dim, Value } from "../ir/value.ts";
import { decomposeRecurrence, decomposeRecurrenceGrad } from "../recurrent/recurrence.ts";
import type { Gradients } from "../recurrent/scan.ts";

type Decomposition<O extends CompositeName> = (
  inputs: readonly Value[],
  attrs: OpAttrs[O],
  gradients: Gradients,
) => Value[];

/** Puts a reduced last axis back. */
function alongLast(reduced: Value, x: Value): Value {
  return broadcast(
    reduced,
    x.type.shape,
    reduced.type.shape.map((_, axis) => axis),
  );
}

/** x less its maximum along the last axis, so that exp cannot overflow. */
function shifted(x: Value): Value {
  return sub(x, alongLast(max(x, [x.type.shape.length - 1]), x));
}

/** log(1 + x) for x from 0 on, with the digits of x that 1 + x loses made good (Kahan). */
function log1p(x: Value): Value {
  const sum = add(1, x);
  return select(equal(sum, 1), x, mul(log(sum), div(x, sub(sum, 1))));
}

export const decompositions: { readonly [O in CompositeName]: Decomposition<O> } = {
  softmax: ([x]) => {
    const powers = exp(shifted(x as Value));
    return [div(powers, alongLast(sum(powers, [powers.type.shape.length - 1]), powers))];
  },
  logSoftmax: ([x]) => {
    const logits = shifted(x as Value);
    return [sub(logits, alongLast(log(sum(exp(logits), [logits.type.shape.length - 1])), logits))];
  },
  softplus: ([x]) => [add(maximum(x as Value, 0), log1p(exp(neg(abs(x as Value)))))],
  sequenceMask: ([lengths], { time }) => {
    const shape = [time, (lengths as Value).type.shape[0] as Dim];
    return [less(broadcast(iota(time), shape, [0]), broadcast(lengths as Value, shape, [1]))];
  },
  sequenceLengths: ([ids]) => {
    const { shape } = (ids as Value).type;
    const ends = broadcast(add(iota(shape[0] as Dim), 1), shape, [0]);
    return [max(select(cast(ids as Value, "bool"), ends, 0), [0])];
  },
  ...byRecurrence(decomposeRecurrence),
  ...byRecurrenceGrad(decomposeRecurrenceGrad),
};
