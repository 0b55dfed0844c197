/** Ops that only move elements. */
import type { TensorInfo } from "../tfjs.ts";
import { withoutBools } from "./elementwise.ts";
import { type Call, input, type Kernels } from "./kernel.ts";
import { around, cut, extend, repeat, shaped, spread } from "./movement.ts";

/** Puts axis `i` of the input at axis `axes[i]`: the axes between are new, each run of them one repetition, the innermost first. */
function broadcast(call: Call<"broadcast">): TensorInfo {
  const { device, attrs, shape } = call;
  const x = input(call);
  if (around(x.shape, 0, x.shape.length).extent === 1) return spread(device, x, shape);
  let whole = device.share(x);
  for (let end = shape.length; end > 0; end--) {
    let start = end;
    while (start > 0 && !attrs.axes.includes(start - 1)) start--;
    if (start === end) continue;
    const { extent: times, inner } = around(shape, start, end);
    const kept = attrs.axes.filter((axis) => axis < start).map((axis) => shape[axis] as number);
    const outer = around(kept, 0, kept.length).extent;
    const before = whole;
    whole = device.using([before], () => repeat(device, before, outer, times, inner));
    end = start;
  }
  return shaped(device, whole, shape);
}

export const shapeKernels: Kernels<"reshape" | "transpose" | "broadcast" | "concat" | "slice" | "pad" | "reverse"> = {
  reshape: { needs: ["Reshape"], run: (call) => call.device.reshape(input(call), call.shape) },
  transpose: {
    needs: ["Transpose"],
    run: (call) => call.device.run("Transpose", { x: input(call) }, { perm: call.attrs.permutation }),
  },
  broadcast: { needs: ["Reshape", "Tile"], run: broadcast },
  concat: { needs: ["Concat"], run: (call) => call.device.run("Concat", call.inputs, { axis: call.attrs.axis }) },
  slice: {
    needs: ["Reshape", "Slice"],
    run: (call) => {
      const { device, attrs, shape } = call;
      const sizes = around(input(call).shape, attrs.axis);
      const start = attrs.start < 0 ? sizes.extent + attrs.start : attrs.start;
      return shaped(device, cut(device, input(call), sizes, start, attrs.size), shape);
    },
  },
  pad: {
    needs: ["Reshape", "PadV2"],
    run: (call) => {
      const { device, attrs, shape } = call;
      const sizes = around(shape, attrs.axis);
      const start = attrs.start < 0 ? sizes.extent + attrs.start : attrs.start;
      const size = input(call).shape[attrs.axis] as number;
      return shaped(device, extend(device, input(call), sizes, start, size), shape);
    },
  },
  reverse: {
    needs: ["Reshape", "Reverse", "Cast"],
    run: (call) => {
      const { device, attrs, shape } = call;
      const { outer, extent, inner } = around(shape, attrs.axis);
      const seen = device.reshape(input(call), [outer, extent, inner]);
      const reversed = device.using([seen], () =>
        withoutBools({ device, inputs: [seen] }, ([x]) => device.run("Reverse", { x: x as TensorInfo }, { dims: [1] })),
      );
      return shaped(device, reversed, shape);
    },
  },
};
