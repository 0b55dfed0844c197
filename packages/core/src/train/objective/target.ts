/** What a model is held against: the form of a target, for each output and loss. */
import type { Dim, DType, Value } from "../../ir/ops.ts";
import { batchMajorShape, type Flow } from "../../nn/kinds.ts";

/** The form of targets that a loss wants. */
export interface TargetSpec {
  /** How errors and feeds call it: the output's name. */
  readonly name: string;
  readonly dtype: Extract<DType, "float32" | "int32">;
  /** Batch first. A last axis of 1 may be left out by the user. */
  readonly shape: readonly Dim[];
  /** Labels are below this. */
  readonly classes?: number;
  /** Values must lie within 0 … 1. */
  readonly probability: boolean;
}

/** A prediction in the form in which losses and metrics read it: the steps of sequences are rows like any other. */
export interface Prediction {
  /** float32 [rows…, features]; rows are [batch] or [time, batch]. */
  readonly values: Value;
  readonly target: Value;
  /** The weight of each row: 0 for steps past the end. float32 [rows…]; absent: all count 1. */
  readonly weights?: Value;
}

/** Where the time axis of a flow is, the target has one too. */
export function targetShape(flow: Flow, dropFeatures: boolean): readonly Dim[] {
  const shape = batchMajorShape(flow);
  return dropFeatures ? shape.slice(0, -1) : shape;
}
