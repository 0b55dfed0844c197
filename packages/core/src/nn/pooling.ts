/** The layers that make one vector of a sequence, of the steps that count. Rows without a step give zeros. */
import { cast, div, equal, less, maximum, select, sub } from "../ir/build/elementwise.ts";
import { max, mean, sum } from "../ir/build/reduce.ts";
import { expandDims, slice, squeeze } from "../ir/build/shape.ts";
import { iota } from "../ir/build/source.ts";
import type { Dim, Value } from "../ir/ops.ts";
import type { Flow } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";
import { countedSteps } from "./steps.ts";

/** The lowest number of float32: what stands for a step that takes no part in a maximum. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127;

/** bool [batch, 1]: the rows that have a step. */
const hasSteps = (lengths: Value): Value => expandDims(less(0, lengths), 1);

function largest(flow: Flow): Value {
  const { values, lengths } = flow;
  const counted = countedSteps(flow);
  if (lengths === undefined || counted === undefined) return max(values, [0]);
  return select(hasSteps(lengths), max(select(counted, values, LOWEST), [0]), 0);
}

function averaged(flow: Flow): Value {
  const { values, lengths } = flow;
  const counted = countedSteps(flow);
  if (lengths === undefined || counted === undefined) return mean(values, [0]);
  const count = expandDims(maximum(cast(lengths, "float32"), 1), 1);
  return div(sum(select(counted, values, 0), [0]), count);
}

/** The sum of the step at length - 1 alone, which a row of length 0 does not have. */
function last({ values, lengths }: Flow): Value {
  if (lengths === undefined) return squeeze(slice(values, 0, -1, 1), 0);
  const [time] = values.type.shape as [Dim, ...Dim[]];
  const isLast = equal(expandDims(iota(time), 1), sub(lengths, 1));
  return sum(select(expandDims(isLast, 2), values, 0), [0]);
}

/** They have no options but a name. */
export type PoolingConfig = Record<string, never>;

function pooling(pool: (flow: Flow) => Value): LayerDefinition<PoolingConfig> {
  return {
    parse(options, owner) {
      new OptionReader(owner, options, ["name"]);
      return {};
    },
    takes:
      "a sequence [batch, time, features]; give the recurrence before it returnSequences: true, or put an embedding first",
    outputs: (_config, inputs) => (inputs.join() === "sequence" ? ["features"] : undefined),
    build: (_context, _config, [input]) => [{ kind: "features", values: pool(input as Flow) }],
  };
}

export const globalMaxPooling1d = pooling(largest);
export const globalAveragePooling1d = pooling(averaged);
export const lastStep = pooling(last);
