/** What each composite means in simpler ops. */
import { apply1 } from "../ir/build/apply.ts";
import {
  abs,
  add,
  cast,
  div,
  equal,
  exp,
  finite,
  less,
  log,
  maximum,
  mul,
  neg,
  select,
  sub,
} from "../ir/build/elementwise.ts";
import { gather } from "../ir/build/index.ts";
import { max, sum } from "../ir/build/reduce.ts";
import { broadcast, broadcastTo } from "../ir/build/shape.ts";
import { full, iota } from "../ir/build/source.ts";
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

/** Whether the class of each logit is that of its row's label. */
function isLabel(labels: Value, logits: Value): Value {
  const { shape } = logits.type;
  const classes = broadcast(iota(shape.at(-1) as number), shape, [shape.length - 1]);
  return equal(alongLast(labels, logits), classes);
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
  logSumExp: ([given], { axes }) => {
    const x = given as Value;
    const largest = max(x, axes);
    // -∞ less -∞ is no number.
    const from = select(finite(largest), largest, 0);
    const kept = x.type.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    return [add(log(sum(exp(sub(x, broadcast(from, x.type.shape, kept))), axes)), from)];
  },
  softmaxCrossentropy: ([logits, labels], { labelSmoothing: s }) => {
    const z = logits as Value;
    const last = z.type.shape.length - 1;
    const largest = max(z, [last]);
    const shiftedZ = sub(z, alongLast(largest, z));
    const logSum = log(sum(exp(shiftedZ), [last]));
    const picked = sum(select(isLabel(labels as Value, z), shiftedZ, 0), [last]);
    const crossentropy = sub(logSum, mul(1 - s, picked));
    const classes = z.type.shape[last] as number;
    return [s === 0 ? crossentropy : sub(crossentropy, mul(s / classes, sum(shiftedZ, [last]))), largest, logSum];
  },
  softmaxCrossentropyGrad: ([logits, labels, largest, logSum, cotangent], { labelSmoothing: s }) => {
    const z = logits as Value;
    const over = (row: Value | undefined): Value => alongLast(row as Value, z);
    const probabilities = exp(sub(sub(z, over(largest)), over(logSum)));
    const target = select(isLabel(labels as Value, z), full(1 - s, z.type.shape), 0);
    const smoothed = s === 0 ? target : add(target, s / (z.type.shape.at(-1) as number));
    return [mul(over(cotangent), sub(probabilities, smoothed))];
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
  biasedDot: ([a, b, bias], attrs) => {
    const y = apply1("dot", [a as Value, b as Value], attrs);
    return [add(y, broadcastTo(bias as Value, y.type.shape))];
  },
  gatheredDot: ([a, b, ids], attrs) => [apply1("dot", [a as Value, gather(b as Value, ids as Value)], attrs)],
  fused: (inputs, { operations, results }) => {
    const values = [...inputs];
    for (const { op, attrs, inputs: reads } of operations)
      values.push(
        apply1(
          op,
          reads.map((read) => values[read] as Value),
          attrs,
        ),
      );
    return results.map((result) => values[result] as Value);
  },
  ...byRecurrence(decomposeRecurrence),
  ...byRecurrenceGrad(decomposeRecurrenceGrad),
};
