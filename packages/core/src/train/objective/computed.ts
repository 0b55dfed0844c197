/** What losses and metrics give, held against what they promise: anybody may write one. */
import { ConfigError } from "../../errors.ts";
import { sameShape, showShape, showType, type Value } from "../../ir/value.ts";
import { isRecord, shown } from "../../nn/options.ts";
import type { Loss, LossContext } from "./loss.ts";
import type { Metric } from "./metrics.ts";
import type { Prediction, TargetSpec } from "./target.ts";

const isValue = (data: unknown): data is Value => isRecord(data) && isRecord(data.node) && isRecord(data.type);

const given = (data: unknown): string => (isValue(data) ? showType(data.type) : shown(data));

/** The losses of the rows. @throws ConfigError where they are not one float32 number a row */
export function lossPerRow(
  loss: Loss,
  prediction: Value,
  target: Value,
  each: TargetSpec["each"],
  context: LossContext,
): Value {
  const losses: unknown = loss.perRow(prediction, target, context);
  const rows = prediction.type.shape.slice(0, -1);
  const shape = each === "row" ? rows.slice(-1) : rows;
  if (isValue(losses) && losses.type.dtype === "float32" && sameShape(losses.type.shape, shape)) return losses;
  throw new ConfigError(
    `the loss ${loss.kind}: perRow must give one number a row, float32${showShape(shape)}, and gives ${given(losses)}; take the mean over the last axis, say`,
  );
}

/** The sums of a metric. @throws ConfigError where they are not a list of float32 numbers whose length is known */
export function metricSums(metric: Metric, prediction: Prediction): Value {
  const sums: unknown = metric.sums(prediction);
  if (isValue(sums) && sums.type.dtype === "float32") {
    const { shape } = sums.type;
    if (shape.length === 1 && typeof shape[0] === "number") return sums;
  }
  throw new ConfigError(
    `the metric ${metric.name}: sums must give a list of sums over the batch, float32[2] say, and gives ${given(sums)}`,
  );
}
