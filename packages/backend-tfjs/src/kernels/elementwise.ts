/** Elementwise ops: one kernel of tfjs each, but for what single backends get wrong. */
import type { TensorInfo } from "../tfjs.ts";
import { type Call, input, type KernelName, type Kernels, type TfjsKernel } from "./kernel.ts";
import { shaped, spread } from "./movement.ts";

type Unary = "neg" | "exp" | "log" | "sqrt" | "abs" | "sign" | "tanh" | "sigmoid" | "relu";
type Binary = "add" | "sub" | "mul" | "div" | "maximum" | "minimum" | "pow" | "less" | "equal";

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

export const elementwiseKernels: Kernels<Unary | Binary | "select" | "cast"> = {
  neg: unary("Neg"),
  exp: unary("Exp"),
  log: unary("Log"),
  sqrt: unary("Sqrt"),
  abs: unary("Abs"),
  sign: unary("Sign"),
  tanh: unary("Tanh"),
  sigmoid: unary("Sigmoid"),
  relu: unary("Relu"),
  add: binary("Add"),
  sub: binary("Sub"),
  mul: binary("Multiply"),
  div: binary("RealDiv"),
  maximum: binary("Maximum"),
  minimum: binary("Minimum"),
  pow: binary("Pow"),
  less: binary("Less"),
  equal: binary("Equal"),
  select,
  cast,
};
