/** The output types of `scan`. */
import { ShapeError } from "../errors.ts";
import type { OpAttrs } from "./ops.ts";
import { sameShape, showType, type ValueType } from "./value.ts";

/** The last carries, the stacked step outputs, then the carries before each step, stacked. */
export function inferScan(inputs: readonly ValueType[], attrs: OpAttrs["scan"]): ValueType[] {
  const { body, carries, sequences } = attrs;
  if (carries + sequences > inputs.length || carries > body.results.length)
    throw new ShapeError(
      `scan: it has ${carries} carries and ${sequences} sequences, but ${inputs.length} inputs and ${body.results.length} results`,
    );
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
