/**
 * The gated recurrent unit (Cho et al. 2014), as ONNX's operator has it:
 *
 *   z = f(Xt·Wzᵀ + Ht-1·Rzᵀ + Bz)      r = f(Xt·Wrᵀ + Ht-1·Rrᵀ + Br)
 *   h = g(Xt·Whᵀ + (r ∘ Ht-1)·Rhᵀ + Bh), or with linearBeforeReset h = g(Xt·Whᵀ + r ∘ (Ht-1·Rhᵀ + Rbh) + Bh)
 *   Ht = (1 - z) ∘ h + z ∘ Ht-1
 */
import { add, mul, sub } from "../ir/build/elementwise.ts";
import { concat } from "../ir/build/shape.ts";
import { recurrences } from "../ir/recurrences.ts";
import type { Value } from "../ir/value.ts";
import type { Cell } from "./cell.ts";

export const gru: Cell<"gru"> = {
  products: (flag) => (flag("linearBeforeReset") ? [recurrences.gru.gates] : [["z", "r"], ["h"]]),
  step({ x, states, recur, gate, activations, clipped, flag }) {
    const [h0] = states as [Value];
    const [f, g] = activations as [(x: Value) => Value, (x: Value) => Value];
    const gates = recur(h0, 0);
    const z = f(clipped(add(gate(x, "z"), gate(gates, "z", 0))));
    const r = f(clipped(add(gate(x, "r"), gate(gates, "r", 0))));
    const fromState = flag("linearBeforeReset") ? mul(r, gate(gates, "h", 0)) : recur(mul(r, h0), 1);
    const candidate = g(clipped(add(gate(x, "h"), fromState)));
    const h = add(mul(sub(1, z), candidate), mul(z, h0));
    return { states: [h], kept: [concat([z, r, candidate], 1)] };
  },
};
