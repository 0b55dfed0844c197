/** Random trials of `fused`: operations on operands of one shape, on broadcasts, sums, and results that are read again. */
import { apply, type DType, type FusedOperation, type Value } from "@ostinato/core";
import { type Draw, type DrawnDim, shapeOf } from "./draw.ts";

/** The operations so far, and the numbers of the values of each data type. */
class Operations {
  readonly operands: Value[] = [];
  readonly list: FusedOperation[] = [];
  readonly values: Readonly<Record<DType, number[]>> = { float32: [], int32: [], bool: [] };

  operand(value: Value): number {
    return this.operands.push(value) - 1;
  }

  add(op: FusedOperation["op"], inputs: readonly number[], dtype: DType, attrs: object = {}): number {
    this.list.push({ op, inputs, dtype, attrs } as FusedOperation);
    const number = this.operands.length + this.list.length - 1;
    if (op !== "sum") this.values[dtype].push(number);
    return number;
  }
}

/** Axes that follow one another, or none. */
function runOf(draw: Draw, rank: number): number[] {
  const first = draw.whole(0, rank);
  return Array.from({ length: draw.whole(0, rank - first) }, (_, i) => first + i);
}

function drawOperands(draw: Draw, operations: Operations, dims: readonly DrawnDim[]): void {
  const { values } = operations;
  for (const name of ["a", "b"]) values.float32.push(operations.operand(draw.float(name, dims)));
  values.int32.push(operations.operand(draw.int("k", dims)));
  values.bool.push(operations.operand(draw.bool("p", dims)));
  const sources = (["float", "float", "int", "bool"] as const).map((kind, i) => {
    const axes = runOf(draw, dims.length);
    const kept = axes.map((axis) => dims[axis] as DrawnDim);
    return { axes, value: draw[kind](`s${i}`, kept) };
  });
  const numbers = sources.map(({ value }) => operations.operand(value));
  sources.forEach(({ axes, value: { type } }, i) => {
    operations.add("broadcast", [numbers[i] as number], type.dtype, { shape: shapeOf(dims), axes });
  });
}

/** Each adds an operation. Numbers stay small, so that long runs stay within single precision. */
function grow(draw: Draw, operations: Operations, rank: number): number | undefined {
  const { values } = operations;
  const float = (): number => draw.one(values.float32);
  const int = (): number => draw.one(values.int32);
  const every = Array.from({ length: rank }, (_, axis) => axis);
  const steps: readonly (() => number | undefined)[] = [
    () =>
      operations.add(
        "tanh",
        [operations.add(draw.one(["add", "sub", "mul"]), [float(), float()], "float32")],
        "float32",
      ),
    () => operations.add(draw.one(["neg", "abs", "relu", "sigmoid", "tanh", "softplus", "sign"]), [float()], "float32"),
    () => operations.add(draw.one(["maximum", "minimum"]), [float(), float()], "float32"),
    () => operations.add("sqrt", [operations.add("abs", [float()], "float32")], "float32"),
    () => operations.add(draw.one(["less", "equal"]), [float(), float()], "bool"),
    () => operations.add(draw.one(["less", "equal"]), [int(), int()], "bool"),
    () => operations.add(draw.one(["add", "sub", "maximum", "minimum"]), [int(), int()], "int32"),
    () => operations.add("select", [draw.one(values.bool), float(), float()], "float32"),
    () => operations.add("select", [draw.one(values.bool), int(), int()], "int32"),
    () => operations.add("cast", [draw.one(values.bool)], "float32", { dtype: "float32" }),
    () => operations.add("cast", [draw.one(values.bool)], "int32", { dtype: "int32" }),
    () => operations.add("cast", [int()], "bool", { dtype: "bool" }),
    () => operations.add("sum", [float()], "float32", { axes: every }),
    () => operations.add("sum", [int()], "int32", { axes: every }),
  ];
  return draw.one(steps)();
}

/** A few operations of which some come out. Now and then there are more elements than a tile has. */
export function fusedTrial(draw: Draw): Readonly<Record<string, Value>> {
  const large = draw.chance(0.2);
  const dims = large ? [draw.named("n"), { dim: 601, size: 601 }] : draw.dims(draw.whole(0, 3));
  const operations = new Operations();
  drawOperands(draw, operations, dims);
  const made = Array.from({ length: draw.whole(1, 9) }, () => grow(draw, operations, dims.length)) as number[];
  const results = [...new Set(made)].filter((_, i) => i === made.length - 1 || draw.chance(0.4));
  const outputs = apply("fused", operations.operands, {
    shape: shapeOf(dims),
    operands: operations.operands.map(({ type }) => type.dtype),
    operations: operations.list,
    results,
  });
  return {
    ...Object.fromEntries(outputs.map((output, i) => [`y${i}`, output])),
    teller: operations.operands[0] as Value,
  };
}
