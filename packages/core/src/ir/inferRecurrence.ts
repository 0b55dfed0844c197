/** The output types of every recurrence and of its gradient, from its facts. */
import { DTypeError, ShapeError } from "../errors.ts";
import {
  constantOptions,
  factsOf,
  gradOf,
  initialOf,
  type RecurrenceAttrs,
  type RecurrenceGradAttrs,
  type RecurrenceName,
  recurrenceInputs,
} from "./recurrences.ts";
import { type Dim, type Shape, sameShape, showShape, showType, type ValueType } from "./value.ts";

const float = (...shape: Shape): ValueType => ({ dtype: "float32", shape });

interface Sizes {
  readonly time: Dim;
  readonly batch: Dim;
}

/** Checks the inputs, and the optional ones that `attrs.options` names. */
function check(op: RecurrenceName, inputs: readonly ValueType[], attrs: RecurrenceAttrs): Sizes {
  const { gates, states, peepholes } = factsOf(op);
  const { hiddenSize: hidden, options } = attrs;
  const x = inputs[0] as ValueType;
  if (!Number.isInteger(hidden) || hidden < 1)
    throw new ShapeError(`${op}: hiddenSize must be a whole number from 1 on, got ${hidden}`);
  const ids = x.dtype === "int32";
  if (x.shape.length !== (ids ? 2 : 3)) {
    throw new ShapeError(`${op} takes x: [time, batch, input], or int32 ids [time, batch], got ${showType(x)}`);
  }
  const count = recurrenceInputs.length + options.length;
  if (inputs.length !== count) throw new ShapeError(`${op} takes ${count} inputs here, got ${inputs.length}`);
  const [time, batch, inputSize] = x.shape as [Dim, Dim, Dim];
  const rows = gates.length * hidden;
  const expected: Readonly<Record<string, Shape>> = {
    W: ids ? [inputs[1]?.shape[0] as Dim, rows] : [rows, inputSize],
    R: [rows, hidden],
    B: [rows],
    lengths: [batch],
    ...Object.fromEntries(states.map((state) => [initialOf(state), [batch, hidden]])),
    P: [peepholes.length * hidden],
    recurrentBias: [rows],
    recurrentMask: [gates.length, batch, hidden],
  };
  [...recurrenceInputs.slice(1), ...options].forEach((role, i) => {
    const type = inputs[i + 1] as ValueType;
    const dtype = role === "lengths" ? "int32" : "float32";
    if (type.dtype !== dtype) throw new DTypeError(`${op}: ${role} must be ${dtype}, got ${showType(type)}`);
    const shape = expected[role] as Shape;
    if (!sameShape(type.shape, shape)) {
      throw new ShapeError(
        `${op}: ${role} must be ${showShape(shape)} for x: ${showType(x)} and ${hidden} units, got ${showType(type)}`,
      );
    }
  });
  return { time, batch };
}

/** What is kept for the gradient, each [time, batch, …]. */
function keptTypes(op: RecurrenceName, { time, batch }: Sizes, hidden: number): ValueType[] {
  return Object.values(factsOf(op).kept).map((width) => float(time, batch, width * hidden));
}

/** y [time, batch, hidden], the states after the last step [batch, hidden], then what is kept. */
export const inferRecurrence =
  (op: RecurrenceName) =>
  (inputs: readonly ValueType[], attrs: RecurrenceAttrs): ValueType[] => {
    const sizes = check(op, inputs, attrs);
    const { time, batch } = sizes;
    const hidden = attrs.hiddenSize;
    const states = factsOf(op).states.map(() => float(batch, hidden));
    return [float(time, batch, hidden), ...states, ...keptTypes(op, sizes, hidden)];
  };

/** The gradients of X, W, R, B, then of those optional inputs that have one. */
export const inferRecurrenceGrad =
  (op: RecurrenceName) =>
  (inputs: readonly ValueType[], attrs: RecurrenceGradAttrs): ValueType[] => {
    const own = recurrenceInputs.length + attrs.options.length;
    const forward = inputs.slice(0, own);
    if (inputs[0]?.dtype === "int32")
      throw new DTypeError(`${gradOf(op)}: a recurrence of ids has no gradient; look the rows up with gather`);
    const sizes = check(op, forward, attrs);
    const { time, batch } = sizes;
    const hidden = attrs.hiddenSize;
    const expected = [
      float(time, batch, hidden),
      ...keptTypes(op, sizes, hidden),
      ...attrs.cotangents.map((output) => (output === "y" ? float(time, batch, hidden) : float(batch, hidden))),
    ];
    const rest = inputs.slice(own);
    if (
      rest.length !== expected.length ||
      rest.some((type, i) => !sameShape(type.shape, (expected[i] as ValueType).shape))
    ) {
      throw new ShapeError(
        `${gradOf(op)} takes ${expected.map(showType).join(", ")} after the inputs of ${op}, got ${rest.map(showType).join(", ")}`,
      );
    }
    const constant = (i: number): boolean => constantOptions.includes(attrs.options[i - recurrenceInputs.length] ?? "");
    return forward.filter((_, i) => !constant(i));
  };
