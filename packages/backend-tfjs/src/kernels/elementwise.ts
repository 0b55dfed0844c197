/** Elementwise ops: one kernel of tfjs each, but for what single backends get wrong. */
import type { CompositeName, ElementwiseName, ElementwiseWith } from "@ostinato/core";
import type { Device } from "../device.ts";
import type { TensorInfo } from "../tfjs.ts";
import { type Call, input, type KernelName, type Kernels, type TfjsKernel } from "./kernel.ts";
import { shaped, spread } from "./movement.ts";

type Primitive = Exclude<ElementwiseName, CompositeName>;
type Unary = Primitive & ElementwiseWith<{ operands: 1 }>;
type Binary = Primitive & ElementwiseWith<{ operands: 2 }>;

/** The most axes that XNNPACK, below tfjs's backend in WebAssembly, reads; past them it gives back what the memory held. */
const axesAtMost = 6;

/** Runs `compute` on operands of equal shape or scalars. Where all are scalars that stand for more, the one result is spread. */
function elementwise(
  { device, shape }: Pick<Call, "device" | "shape">,
  inputs: readonly TensorInfo[],
  compute: (inputs: readonly TensorInfo[]) => TensorInfo,
): TensorInfo {
  const scalars = inputs.every((x) => x.shape.length === 0);
  if (scalars && shape.length > 0) {
    const one = compute(inputs);
    return device.using([one], () => spread(device, one, shape));
  }
  if (shape.length <= axesAtMost) return compute(inputs);
  const flat = inputs.map((x) => device.reshape(x, x.shape.length === 0 ? [] : [-1]));
  return shaped(
    device,
    device.using(flat, () => compute(flat)),
    shape,
  );
}

const unary = <O extends Unary>(kernel: string): TfjsKernel<O> => ({
  needs: [kernel],
  run: (call) => elementwise(call, call.inputs, ([x]) => call.device.run(kernel, { x: x as TensorInfo })),
});

const binary = <O extends Binary>(kernel: string): TfjsKernel<O> => ({
  needs: [kernel],
  run: (call) =>
    elementwise(call, call.inputs, ([a, b]) => call.device.run(kernel, { a: a as TensorInfo, b: b as TensorInfo }, {})),
});

/** One number of the data type of `x`, for what it is compared or combined with. */
function scalar(device: Device, x: TensorInfo, value: number): TensorInfo {
  return x.dtype === "int32"
    ? device.upload(Int32Array.of(value), [], "int32")
    : device.upload(Float32Array.of(value), [], "float32");
}

/** `chosen` where the condition holds, else `other`; all of one shape, or a scalar `chosen`. */
function choose(device: Device, condition: TensorInfo, chosen: TensorInfo, other: TensorInfo): TensorInfo {
  const t = chosen.shape.length === other.shape.length ? device.share(chosen) : spread(device, chosen, other.shape);
  return device.using([t], () => device.run("Select", { condition, t, e: other }));
}

/** -x of whole numbers is 0 - x, and |x| the larger of both: tfjs computes its own in single precision, and on its plain backend leaves each |x| in the books of its engine. */
function negated(device: Device, x: TensorInfo): TensorInfo {
  const zero = scalar(device, x, 0);
  return device.using([zero], () => device.run("Sub", { a: zero, b: x }));
}

const neg: TfjsKernel<"neg"> = {
  needs: ["Neg", "Sub"],
  run: (call) =>
    elementwise(call, call.inputs, ([operand]) => {
      const x = operand as TensorInfo;
      return x.dtype === "int32" ? negated(call.device, x) : call.device.run("Neg", { x });
    }),
};

const abs: TfjsKernel<"abs"> = {
  needs: ["Abs", "Sub", "Maximum"],
  run: (call) =>
    elementwise(call, call.inputs, ([operand]) => {
      const x = operand as TensorInfo;
      if (x.dtype !== "int32" && call.device.name !== "cpu") return call.device.run("Abs", { x });
      const opposite = negated(call.device, x);
      return call.device.using([opposite], () => call.device.run("Maximum", { a: x, b: opposite }));
    }),
};

/** By comparisons: tfjs's own makes 0 of NaN, and in WebAssembly of all that lies between -1 and 1. */
const sign: TfjsKernel<"sign"> = {
  needs: ["Less", "Select", "Tile", "Sign"],
  run: (call) => {
    const { device } = call;
    return elementwise(call, call.inputs, ([operand]) => {
      const x = operand as TensorInfo;
      if (x.dtype === "int32") return device.run("Sign", { x });
      const [zero, one, minusOne] = [0, 1, -1].map((value) => scalar(device, x, value)) as [
        TensorInfo,
        TensorInfo,
        TensorInfo,
      ];
      return device.using([zero, one, minusOne], () => {
        const below = device.run("Less", { a: x, b: zero });
        const low = device.using([below], () => choose(device, below, minusOne, x));
        const above = device.run("Less", { a: zero, b: x });
        return device.using([low, above], () => choose(device, above, one, low));
      });
    });
  },
};

/** In WebAssembly tfjs passes over NaN in the second operand. */
const extremum = <O extends "maximum" | "minimum">(kernel: string): TfjsKernel<O> => ({
  needs: [kernel, "Equal", "Select", "Tile"],
  run: (call) => {
    const { device } = call;
    return elementwise(call, call.inputs, ([first, second]) => {
      const [a, b] = [first, second] as [TensorInfo, TensorInfo];
      const found = device.run(kernel, { a, b });
      if (device.name !== "wasm" || b.dtype !== "float32") return found;
      if (b.shape.length === 0 && !Number.isNaN(device.readNow(b)[0])) return found;
      const whole = b.shape.length === found.shape.length ? device.share(b) : spread(device, b, found.shape);
      return device.using([found, whole], () => {
        const isNumber = device.run("Equal", { a: whole, b: whole });
        return device.using([isNumber], () => choose(device, isNumber, found, whole));
      });
    });
  },
});

/** Products of whole numbers wrap; tfjs's plain backend multiplies them as floats, and loses the low digits of large ones. */
const mul: TfjsKernel<"mul"> = {
  needs: ["Multiply"],
  run: (call) => {
    const { device } = call;
    return elementwise(call, call.inputs, ([first, second]) => {
      const [a, b] = [first, second] as [TensorInfo, TensorInfo];
      if (a.dtype !== "int32" || device.name !== "cpu" || !device.readsAtOnce) {
        return device.run("Multiply", { a, b });
      }
      const [left, right] = [device.readNow(a), device.readNow(b)];
      const [i, j] = [a, b].map(({ shape }) => (shape.length === 0 ? 0 : 1)) as [number, number];
      const products = new Int32Array(Math.max(left.length, right.length));
      for (let k = 0; k < products.length; k++) {
        products[k] = Math.imul(left[k * i] as number, right[k * j] as number);
      }
      return device.upload(products, i === 0 ? b.shape : a.shape, "int32");
    });
  },
};

/** Computes with the numbers 0 and 1 where tfjs's backend in WebAssembly would move truth values as if they had four bytes. */
export function withoutBools<O extends KernelName>(
  { device, inputs }: Pick<Call<O>, "device" | "inputs">,
  compute: (inputs: readonly TensorInfo[]) => TensorInfo,
): TensorInfo {
  if (inputs.every((x) => x.dtype !== "bool")) return compute(inputs);
  const numbers = inputs.map((x) => device.run("Cast", { x }, { dtype: "int32" }));
  const result = device.using(numbers, () => compute(numbers));
  return device.using([result], () => device.run("Cast", { x: result }, { dtype: "bool" }));
}

const select: TfjsKernel<"select"> = {
  needs: ["Select", "Cast", "Tile"],
  run: (call) => {
    const { device, shape } = call;
    const spreads: TensorInfo[] = [];
    const whole = (x: TensorInfo): TensorInfo => {
      if (x.shape.length === shape.length) return x;
      const full = spread(device, x, shape);
      spreads.push(full);
      return full;
    };
    const [condition, ...branches] = call.inputs.map(whole) as [TensorInfo, TensorInfo, TensorInfo];
    return device.using(spreads, () =>
      withoutBools({ device, inputs: branches }, ([t, e]) =>
        device.run("Select", { condition, t: t as TensorInfo, e: e as TensorInfo }),
      ),
    );
  },
};

/** To bool, "is not 0": tfjs's cast in WebAssembly keeps the lowest byte. */
const cast: TfjsKernel<"cast"> = {
  needs: ["Cast", "NotEqual"],
  run: (call) => {
    const { device, attrs } = call;
    return elementwise(call, [input(call)], ([operand]) => {
      const x = operand as TensorInfo;
      if (x.dtype === attrs.dtype) return device.share(x);
      if (attrs.dtype !== "bool") return device.run("Cast", { x }, { dtype: attrs.dtype });
      const zero =
        x.dtype === "int32"
          ? device.upload(new Int32Array(1), [], "int32")
          : device.upload(new Float32Array(1), [], "float32");
      return device.using([zero], () => device.run("NotEqual", { a: x, b: zero }));
    });
  },
};

export const elementwiseKernels: Kernels<Primitive | "select" | "cast"> = {
  neg,
  exp: unary("Exp"),
  log: unary("Log"),
  sqrt: unary("Sqrt"),
  abs,
  sign,
  tanh: unary("Tanh"),
  sigmoid: unary("Sigmoid"),
  relu: unary("Relu"),
  add: binary("Add"),
  sub: binary("Sub"),
  mul,
  div: binary("RealDiv"),
  maximum: extremum("Maximum"),
  minimum: extremum("Minimum"),
  pow: binary("Pow"),
  less: binary("Less"),
  equal: binary("Equal"),
  select,
  cast,
};
