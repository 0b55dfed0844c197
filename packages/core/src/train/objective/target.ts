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
  /** A class that no label names. */
  readonly unlabelled?: number;
  /** Values must lie within 0 … 1. */
  readonly probability: boolean;
  /**
   * What of an output over time has a loss, and counts in the mean: each step within its row's length, or each row of the batch as a whole. Weights are then of
   * rows. Default "step".
   */
  readonly each?: "step" | "row";
  /** The second axis is a time of its own, `ownTime(name)`, along which each row has a length of its own. Default false. */
  readonly ragged?: boolean;
  /**
   * Looks at the target of one row, up to its length, and at how many steps the output has there, before anything runs: what is wrong with it in words, or undefined.
   */
  readonly check?: (row: ArrayLike<number>, steps: number) => string | undefined;
  /** The time axis of the output, whose steps `check` is told. */
  readonly outputTime?: Dim;
}

/** The time axis of a target: labels have one number a step, others a last axis beside it. */
export const timeOf = ({ dtype, shape }: TargetSpec): Dim | undefined =>
  shape.length > (dtype === "float32" ? 2 : 1) ? shape[1] : undefined;

/** The number of classes of a target; undefined for quantities. A single probability distinguishes two classes. */
export function classesOf({ classes, shape, probability }: TargetSpec): number | undefined {
  const width = shape.at(-1);
  if (classes !== undefined || typeof width !== "number") return classes;
  return width > 1 ? width : probability ? 2 : undefined;
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

/** The name of the time axis of a target that does not follow its output's. */
export const ownTime = (output: string): string => `${output}/target`;
