/**
 * The gated recurrent unit (Cho et al. 2014), as ONNX's operator has it:
 *
 *   z = f(Xt·Wzᵀ + Ht-1·Rzᵀ + Bz)      r = f(Xt·Wrᵀ + Ht-1·Rrᵀ + Br)
 *   h = g(Xt·Whᵀ + (r ∘ Ht-1)·Rhᵀ + Bh), or with linearBeforeReset h = g(Xt·Whᵀ + r ∘ (Ht-1·Rhᵀ + Rbh) + Bh)
 *   Ht = (1 - z) ∘ h + z ∘ Ht-1
 *
 * `linearBeforeReset`: the reset gate comes after the product with R, as in Keras's `reset_after` and in PyTorch.
 */
import { cell } from "./cell.ts";

export const gru = cell(
  {
    operator: "GRU",
    gates: ["z", "r", "h"],
    foreign: { keras: ["z", "r", "h"], pytorch: ["r", "z", "h"] },
    states: ["h"],
    kept: { gates: 3 },
    activations: ["Sigmoid", "Tanh"],
    peepholes: [],
    flags: { linearBeforeReset: false },
  },
  {
    products: (flag) => (flag("linearBeforeReset") ? [["z", "r", "h"]] : [["z", "r"], ["h"]]),
    step({ x, states: [h0], recur, gate, activations: [f, g], clipped, flag, add, sub, mul, concat }) {
      const gates = recur(h0, 0);
      const z = f(clipped(add(gate(x, "z"), gate(gates, "z", 0))));
      const r = f(clipped(add(gate(x, "r"), gate(gates, "r", 0))));
      const fromState = flag("linearBeforeReset") ? mul(r, gate(gates, "h", 0)) : recur(mul(r, h0), 1);
      const candidate = g(clipped(add(gate(x, "h"), fromState)));
      const h = add(mul(sub(1, z), candidate), mul(z, h0));
      return { states: [h], kept: [concat([z, r, candidate])] };
    },
  },
);
