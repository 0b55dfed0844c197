/** The output types of the recurrent ops. */
import { DTypeError, ShapeError } from "../errors.ts";
import type { LstmAttrs, LstmOption, OpAttrs } from "./ops.ts";
import { type Dim, type Shape, sameShape, showShape, showType, type ValueType } from "./value.ts";

/** The options that have no gradient. */
export const constantLstmOptions: readonly LstmOption[] = ["lengths", "recurrentMask"];

interface LstmSizes {
  readonly time: Dim;
  readonly batch: Dim;
  readonly inputSize: Dim;
}

/** Checks the inputs of an `lstm`, and the optional ones that `attrs.options` names. */
function checkLstm(inputs: readonly ValueType[], attrs: LstmAttrs): LstmSizes {
  const { hiddenSize, options } = attrs;
  const x = inputs[0] as ValueType;
  if (!Number.isInteger(hiddenSize) || hiddenSize < 1)
    throw new ShapeError(`lstm: hiddenSize must be a whole number from 1 on, got ${hiddenSize}`);
  if (x.shape.length !== 3) throw new ShapeError(`lstm takes x: [time, batch, input], got ${showType(x)}`);
  if (inputs.length !== 4 + options.length)
    throw new ShapeError(`lstm takes ${4 + options.length} inputs here, got ${inputs.length}`);
  const [time, batch, inputSize] = x.shape as [Dim, Dim, Dim];
  const gates = 4 * hiddenSize;
  const expected: Record<string, Shape> = {
    W: [gates, inputSize],
    R: [gates, hiddenSize],
    B: [gates],
    lengths: [batch],
    initialH: [batch, hiddenSize],
    initialC: [batch, hiddenSize],
    P: [3 * hiddenSize],
    recurrentMask: [4, batch, hiddenSize],
  };
  ["W", "R", "B", ...options].forEach((role, i) => {
    const type = inputs[i + 1] as ValueType;
    const dtype = role === "lengths" ? "int32" : "float32";
    if (type.dtype !== dtype) throw new DTypeError(`lstm: ${role} must be ${dtype}, got ${showType(type)}`);
    const shape = expected[role] as Shape;
    if (!sameShape(type.shape, shape)) {
      throw new ShapeError(
        `lstm: ${role} must be ${showShape(shape)} for x: ${showType(x)} and ${hiddenSize} units, got ${showType(type)}`,
      );
    }
  });
  return { time, batch, inputSize };
}

const float = (...shape: Shape): ValueType => ({ dtype: "float32", shape });

/** y [time, batch, hidden], h [batch, hidden], c [batch, hidden], gates [time, batch, 4 * hidden], cells [time, batch, hidden]. */
export function inferLstm(inputs: readonly ValueType[], attrs: LstmAttrs): ValueType[] {
  const { time, batch } = checkLstm(inputs, attrs);
  const hidden = attrs.hiddenSize;
  return [
    float(time, batch, hidden),
    float(batch, hidden),
    float(batch, hidden),
    float(time, batch, 4 * hidden),
    float(time, batch, hidden),
  ];
}

/** The gradients of X, W, R, B, then of those of initialH, initialC and P that are there. */
export function inferLstmGrad(inputs: readonly ValueType[], attrs: OpAttrs["lstmGrad"]): ValueType[] {
  const own = 4 + attrs.options.length;
  const forward = inputs.slice(0, own);
  const { time, batch } = checkLstm(forward, attrs);
  const hidden = attrs.hiddenSize;
  const expected = [
    float(time, batch, hidden),
    float(time, batch, 4 * hidden),
    float(time, batch, hidden),
    ...attrs.cotangents.map((output) => (output === "y" ? float(time, batch, hidden) : float(batch, hidden))),
  ];
  const rest = inputs.slice(own);
  if (
    rest.length !== expected.length ||
    rest.some((type, i) => !sameShape(type.shape, (expected[i] as ValueType).shape))
  ) {
    throw new ShapeError(
      `lstmGrad takes ${expected.map(showType).join(", ")} after the inputs of lstm, got ${rest.map(showType).join(", ")}`,
    );
  }
  return forward.filter((_, i) => i < 4 || !constantLstmOptions.includes(attrs.options[i - 4] as LstmOption));
}

/** The last carries, the stacked step outputs, then the carries before each step, stacked. */
export function inferScan(inputs: readonly ValueType[], attrs: OpAttrs["scan"]): ValueType[] {
  const { body, carries, sequences } = attrs;
  const stacked = inputs.slice(carries, carries + sequences);
  const time = stacked[0]?.shape[0];
  if (time === undefined)
    throw new ShapeError("scan needs at least one sequence [time, …], which tells its number of steps");
  if (inputs.length !== body.parameters.length) {
    throw new ShapeError(`scan: the body has ${body.parameters.length} parameters, got ${inputs.length} inputs`);
  }
  inputs.forEach((type, i) => {
    const parameter = (body.parameters[i] as { type: ValueType }).type;
    const isSequence = i >= carries && i < carries + sequences;
    const given = isSequence ? type.shape.slice(1) : type.shape;
    if (
      type.dtype !== parameter.dtype ||
      !sameShape(given, parameter.shape) ||
      (isSequence && type.shape[0] !== time)
    ) {
      throw new ShapeError(
        `scan: input ${i} is ${showType(type)}, the body's parameter is ${showType(parameter)} over ${time} steps`,
      );
    }
  });
  const results = body.results.map((result) => result.type);
  results.slice(0, carries).forEach((type, i) => {
    const carry = inputs[i] as ValueType;
    if (type.dtype !== carry.dtype || !sameShape(type.shape, carry.shape)) {
      throw new ShapeError(`scan: carry ${i} goes in as ${showType(carry)} and comes out as ${showType(type)}`);
    }
  });
  const stack = (type: ValueType): ValueType => ({ dtype: type.dtype, shape: [time, ...type.shape] });
  return [...results.slice(0, carries), ...results.slice(carries).map(stack), ...results.slice(0, carries).map(stack)];
}
