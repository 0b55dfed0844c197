/** The layers that put several inputs together: by element, or feature after feature. */

import { ConfigError, ShapeError } from "../errors.ts";
import { add, cast, div, maximum, minimum, mul, neg, type Operand, select } from "../ir/build/elementwise.ts";
import { concat } from "../ir/build/shape.ts";
import type { Value } from "../ir/ops.ts";
import { batchMajorShape, type Flow, featuresOf, type Kind } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { isRecord, OptionReader } from "./options.ts";
import { countedSteps } from "./steps.ts";

type Flows = readonly [Flow, ...Flow[]];

/** Whether two flows end at the same steps for certain: both have one value for lengths, or lengths found in the same ids. */
function endTogether({ lengths: a }: Flow, { lengths: b }: Flow): boolean {
  if (a === b) return true;
  const found = a?.node.op === "sequenceLengths" && b?.node.op === "sequenceLengths";
  return found && a.node.inputs[0] === b.node.inputs[0];
}

/** `values` in place of those of flows, up to the end of the longest. */
function upToLongest(flows: Flows, values: Value): Flow {
  const [{ kind, lengths: first }, ...others] = flows;
  const lengths = others.reduce<Value | undefined>(
    (most, other) => (most && other.lengths ? maximum(most, other.lengths) : undefined),
    first,
  );
  return { kind, values, ...(lengths ? { lengths } : {}) };
}

/** a ∘ b at the steps that both have; where one has ended, the other alone. */
function combined(combine: (a: Value, b: Value) => Value, a: Flow, b: Flow): Flow {
  const both = combine(a.values, b.values);
  if (endTogether(a, b)) return { ...a, values: both };
  const [ofA, ofB] = [countedSteps(a), countedSteps(b)];
  const withB = ofB ? select(ofB, both, a.values) : both;
  return upToLongest([a, b], ofA ? select(ofA, withB, b.values) : withB);
}

const folded =
  (combine: (a: Value, b: Value) => Value) =>
  ([first, ...others]: Flows): Flow =>
    others.reduce((a, b) => combined(combine, a, b), first);

const summed = folded(add);

/** The mean of the inputs that have not ended. */
function averaged(flows: Flows): Flow {
  const [first, ...others] = flows;
  const sum = summed(flows);
  if (others.every((other) => endTogether(first, other))) return { ...sum, values: div(sum.values, flows.length) };
  const counts = flows.map((flow): Operand => {
    const counted = countedSteps(flow);
    return counted ? cast(counted, "float32") : 1;
  });
  const count = counts.reduce(add);
  return { ...sum, values: div(sum.values, maximum(count, 1)) };
}

/** Along the last axis; zeros for an input that has ended. */
function concatenated(flows: Flows): Flow {
  const [first, ...others] = flows;
  const axis = first.values.type.shape.length - 1;
  if (others.every((other) => endTogether(first, other)))
    return {
      ...first,
      values: concat(
        flows.map(({ values }) => values),
        axis,
      ),
    };
  const parts = flows.map((flow) => {
    const counted = countedSteps(flow);
    return counted ? select(counted, flow.values, 0) : flow.values;
  });
  return upToLongest(flows, concat(parts, axis));
}

/** They have no options but a name. */
export type MergingConfig = Record<string, never>;

/** What limits the shapes of the inputs, and how they are merged. */
interface Merging {
  /** All inputs must have as many features. */
  readonly byElement: boolean;
  /** Takes no more than this. */
  readonly atMost?: number;
  readonly merge: (flows: Flows) => Flow;
}

/** @throws ShapeError with the shapes, where inputs are not over the same time or, by element, have not the same features */
function checkShapes(flows: Flows, byElement: boolean): void {
  const [first, ...others] = flows;
  const shapes = flows.map((flow) => `[${batchMajorShape(flow).join(", ")}]`).join(", ");
  const [time] = first.values.type.shape;
  if (first.kind === "sequence" && others.some(({ values }) => values.type.shape[0] !== time))
    throw new ShapeError(
      `its inputs must be over the same time axis, it was given ${shapes}; give that axis one name where the inputs of the model are made`,
    );
  if (byElement && others.some((other) => featuresOf(other) !== featuresOf(first)))
    throw new ShapeError(
      `its inputs must have the same number of features, it was given ${shapes}; bring them to one size with dense, or use concatenate`,
    );
}

function merging({ byElement, atMost = Number.POSITIVE_INFINITY, merge }: Merging): LayerDefinition<MergingConfig> {
  const outputs = (_config: MergingConfig, inputs: readonly Kind[]): readonly Kind[] | undefined => {
    const [kind] = inputs;
    const fits = inputs.length > 1 && inputs.length <= atMost && inputs.every((other) => other === kind);
    return fits && (kind === "sequence" || kind === "features") ? [kind] : undefined;
  };
  return {
    merges: true,
    parse(options, owner) {
      if (isRecord(options) && "node" in options)
        throw new ConfigError(`${owner} is a layer, and was given a value of a graph; ops are in @ostinato/core/graph`);
      new OptionReader(owner, options, ["name"]);
      return {};
    },
    takes: `a list of ${atMost === 2 ? "two" : "two or more"} inputs of one kind, either sequences [batch, time, features] or features [batch, features]`,
    outputs,
    build(_context, _config, inputs) {
      const flows = inputs as unknown as Flows;
      checkShapes(flows, byElement);
      return [merge(flows)];
    },
  };
}

export const concatenateLayer = merging({ byElement: false, merge: concatenated });
export const addLayer = merging({ byElement: true, merge: summed });
export const multiplyLayer = merging({ byElement: true, merge: folded(mul) });
export const averageLayer = merging({ byElement: true, merge: averaged });
export const maximumLayer = merging({ byElement: true, merge: folded(maximum) });
export const minimumLayer = merging({ byElement: true, merge: folded(minimum) });
/** a - b, which is a + (-b) at the steps that only one of them has. */
export const subtractLayer = merging({
  byElement: true,
  atMost: 2,
  merge: ([a, b]) => summed([a, { ...(b as Flow), values: neg((b as Flow).values) }]),
});
