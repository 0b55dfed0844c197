/** Elementwise builders. Numbers become constants, and shapes are brought together by NumPy's rule with explicit `broadcast` nodes. */
import type { ElementwiseWith } from "../ops.ts";
import type { DType, Value } from "../value.ts";
import { apply1 } from "./apply.ts";
import { broadcastShape, broadcastTo } from "./shape.ts";
import { constant } from "./source.ts";

/** A value, or a number that stands for a constant of the other side's data type. */
export type Operand = Value | number;

function lift(x: Operand, dtype: DType): Value {
  return typeof x === "number" ? constant(x, dtype) : x;
}

const binary =
  (op: ElementwiseWith<{ operands: 2 }>) =>
  (a: Operand, b: Operand): Value => {
    const dtype = typeof a !== "number" ? a.type.dtype : typeof b !== "number" ? b.type.dtype : "float32";
    const left = lift(a, dtype);
    const right = lift(b, dtype);
    const shape = broadcastShape(left.type.shape, right.type.shape);
    return apply1(op, [broadcastTo(left, shape), broadcastTo(right, shape)], {});
  };

/** a + b. */
export const add = binary("add");
/** a - b. */
export const sub = binary("sub");
/** a · b, element by element. */
export const mul = binary("mul");
/** a / b. */
export const div = binary("div");
/** The larger of a and b, element by element. */
export const maximum = binary("maximum");
/** The smaller of a and b, element by element. */
export const minimum = binary("minimum");
/** a to the power of b. */
export const pow = binary("pow");
/** a < b, a bool. */
export const less = binary("less");
/** a = b, a bool; false where either is NaN. */
export const equal = binary("equal");

const unary =
  (op: ElementwiseWith<{ operands: 1 }> | "softmax" | "logSoftmax") =>
  (x: Value): Value =>
    apply1(op, [x], {});

/** -x. */
export const neg = unary("neg");
/** eˣ. */
export const exp = unary("exp");
/** The natural logarithm. */
export const log = unary("log");
/** The square root. */
export const sqrt = unary("sqrt");
/** |x|. */
export const abs = unary("abs");
/** -1, 0 or 1. */
export const sign = unary("sign");
/** The hyperbolic tangent. */
export const tanh = unary("tanh");
/** 1 / (1 + exp(-x)). */
export const sigmoid = unary("sigmoid");
/** max(x, 0). */
export const relu = unary("relu");
/** log(1 + exp(x)), without overflow. */
export const softplus = unary("softplus");
/** Along the last axis. */
export const softmax = unary("softmax");
/** log(softmax(x)) along the last axis, without overflow. */
export const logSoftmax = unary("logSoftmax");

/** The numbers of `x` in another data type; float to int32 rounds toward zero, to bool asks for "not 0". */
export function cast(x: Value, dtype: DType): Value {
  return x.type.dtype === dtype ? x : apply1("cast", [x], { dtype });
}

/** `a` where the condition holds, else `b`. */
export function select(condition: Value, a: Operand, b: Operand): Value {
  const dtype = typeof a !== "number" ? a.type.dtype : typeof b !== "number" ? b.type.dtype : "float32";
  const left = lift(a, dtype);
  const right = lift(b, dtype);
  const shape = broadcastShape(condition.type.shape, broadcastShape(left.type.shape, right.type.shape));
  return apply1("select", [broadcastTo(condition, shape), broadcastTo(left, shape), broadcastTo(right, shape)], {});
}

/** True where `x` is neither infinite nor NaN: only then is x - x zero. */
export function finite(x: Value): Value {
  return equal(sub(x, x), 0);
}

/** x². */
export const square = (x: Value): Value => mul(x, x);
/** Whether x, a bool, does not hold. */
export const not = (x: Value): Value => equal(cast(x, "int32"), 0);
/** Whether both hold; both are bools. */
export const and = (a: Value, b: Value): Value => cast(mul(cast(a, "int32"), cast(b, "int32")), "bool");
