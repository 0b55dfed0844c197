/** The form of every op in ONNX, or the reason why it has none. */
import {
  byElementwise,
  byRecurrence,
  byRecurrenceGrad,
  type ElementwiseName,
  factsOf,
  type RecurrenceName,
} from "@ostinato/core";
import { alongLast, cast, direct } from "./elementwise.ts";
import type { OpExport, OpExports } from "./emission.ts";
import { dot } from "./linear.ts";
import { recurrence } from "./recurrence.ts";
import { argMax, logSumExp, max, sum, topK } from "./reduce.ts";
import { scan } from "./scan.ts";
import { gather, reverseSequence, scatterAdd, sequenceLengths, sequenceMask } from "./sequence.ts";
import { broadcast, concat, constant, input, iota, pad, reshape, reverse, size, slice, transpose } from "./source.ts";
import { treeRecur } from "./tree.ts";

/** `sigmoid` → `Sigmoid`. */
const capitalized = (op: string): string => op.replace(/^./, (letter) => letter.toUpperCase());

/** ONNX's operator; where it has none, `withScans` puts a Scan in the recurrence's place, but not in a body. */
function recurrent(name: RecurrenceName): OpExport<RecurrenceName> {
  const { operator } = factsOf(name);
  return operator
    ? recurrence(name, operator)
    : { rejected: "ONNX has no operator for it, and it stands in the body of a scan" };
}

export const opExports: OpExports = {
  input: { whenNamed: input },
  constant: { whenNamed: constant },
  iota: { whenNamed: iota },
  size: { whenNamed: size },
  normalNoise: { rejected: "its random numbers belong to training" },
  dropoutMask: { rejected: "its random numbers belong to training" },

  ...byElementwise((op, { operator }): OpExport<ElementwiseName> => direct(operator ?? capitalized(op))),
  cast,
  select: direct("Where"),

  dot,

  sum,
  max,
  argMax,
  topK,

  reshape,
  transpose,
  broadcast: { whenNamed: broadcast },
  concat,
  slice,
  pad,
  reverse,

  gather,
  scatterAdd,
  reverseSequence,

  softmax: alongLast("Softmax"),
  logSoftmax: alongLast("LogSoftmax"),
  logSumExp,
  softmaxCrossentropy: { rejected: "losses belong to training" },
  softmaxCrossentropyGrad: { rejected: "gradients belong to training" },
  sequenceMask,
  sequenceLengths,
  biasedDot: { rejected: "it is made after gradients, for training and prediction" },
  gatheredDot: { rejected: "it is made after gradients, for training and prediction" },
  fused: { rejected: "it is made after gradients, for training and prediction" },
  ...byRecurrence(recurrent),
  ...byRecurrenceGrad(() => ({ rejected: "gradients belong to training" })),

  scan,
  treeRecur,
  treeRecurGrad: { rejected: "gradients belong to training" },
};
