/** Layers in the body of a scan: they are built once, with placeholders for what differs from step to step. */
import { parameter } from "../ir/build/source.ts";
import type { Dim, Shape, Value } from "../ir/ops.ts";
import { substitute } from "../ir/rewrite.ts";
import type { AnyNode } from "../ir/value.ts";
import { oneStep } from "../recurrent/oneStep.ts";
import { type ScanResult, scan } from "../recurrent/scan.ts";
import type { BuildContext } from "./layer.ts";
import { outsideOf } from "./outside.ts";

/** What the body is given of each step: the placeholder for it, and the values of all steps. */
export interface PerStep {
  readonly whole: Value;
  readonly step: Value;
}

/** What goes from each step to the next. */
export interface FromStepToStep {
  /** What it is before the first step. */
  readonly start: Value;
  /** The placeholder for what it is before a step. */
  readonly before: Value;
  /** What a step makes of it. */
  readonly after: Value;
}

/** What is run over steps, built with placeholders. */
export interface Steps {
  /** At least one. */
  readonly slices: readonly PerStep[];
  readonly carried?: readonly FromStepToStep[];
  /** What comes out of each step. */
  readonly outputs: readonly Value[];
  /** What it reads from outside: the nodes of inputs, parameters and masks. */
  readonly known: Iterable<AnyNode>;
  /** int32 [batch]: see `scan`. */
  readonly lengths?: Value | undefined;
}

/** The context in which each step has random numbers of its own, which are added to `slices`. */
export function randomOfSteps(context: BuildContext, time: Dim, slices: PerStep[]): BuildContext {
  const { mask, noise } = context;
  const ofStep = (make: (over: Shape) => Value, shape: Shape): Value => {
    const step = parameter(`random${slices.length}`, "float32", shape);
    slices.push({ whole: make([time, ...shape]), step });
    return step;
  };
  return {
    ...context,
    ...(mask ? { mask: (rate, shape, part) => ofStep((over) => mask(rate, over, part), shape) } : {}),
    ...(noise ? { noise: (shape, part) => ofStep((over) => noise(over, part), shape) } : {}),
  };
}

/** Runs what was built once a step. Recurrences that were built over a single step become that step; what is the same in all steps is computed before them. */
export function scanSteps({ slices, carried = [], outputs, known, lengths }: Steps): ScanResult {
  const placeholders = [...carried.map(({ before }) => before), ...slices.map(({ step }) => step)];
  const outside = [...known];
  const given = [...carried.map(({ after }) => after), ...outputs];
  const read = outsideOf(given, placeholders, outside);
  const standIns = read.map(({ type }) => parameter("outside", type.dtype, type.shape));
  const results = substitute(oneStep(substitute(given, read, standIns)), standIns, read);
  const constants = outsideOf(results, placeholders, [...outside, ...read.map(({ node }) => node)]);
  return scan({
    initial: carried.map(({ start }) => start),
    sequences: slices.map(({ whole }) => whole),
    constants,
    ...(lengths ? { lengths } : {}),
    body(states, sliced, fixed) {
      const inside = substitute(results, [...placeholders, ...constants], [...states, ...sliced, ...fixed]);
      return { carries: inside.slice(0, carried.length), outputs: inside.slice(carried.length) };
    },
  });
}
