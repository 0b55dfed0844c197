/**
 * The LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000 and the peepholes of Gers and Schmidhuber 2000), as ONNX's
 * operator has it:
 *
 *   i = f(Xt·Wiᵀ + Ht-1·Riᵀ + Pi ∘ Ct-1 + Bi)      o = f(Xt·Woᵀ + Ht-1·Roᵀ + Po ∘ Ct + Bo)
 *   f = f(Xt·Wfᵀ + Ht-1·Rfᵀ + Pf ∘ Ct-1 + Bf)      c = g(Xt·Wcᵀ + Ht-1·Rcᵀ + Bc)
 *   Ct = f ∘ Ct-1 + i ∘ c                          Ht = o ∘ h(Ct)
 *
 * `inputForget` couples the gates: f = 1 - i.
 */
import { cell } from "./cell.ts";

export const lstm = cell(
  {
    operator: "LSTM",
    gates: ["i", "o", "f", "c"],
    foreign: { keras: ["i", "f", "c", "o"], pytorch: ["i", "f", "c", "o"] },
    states: ["h", "c"],
    kept: { gates: 4, cells: 1 },
    activations: ["Sigmoid", "Tanh", "Tanh"],
    peepholes: ["i", "o", "f"],
    flags: { inputForget: false },
  },
  {
    products: () => [["i", "o", "f", "c"]],
    step({ x, states: [h0, c0], recur, gate, peep, activations: [f, g, h], clipped, flag, add, sub, mul, concat }) {
      const sums = add(x, recur(h0, 0));
      const i = f(clipped(peep(gate(sums, "i"), "i", c0)));
      const forget = flag("inputForget") ? sub(1, i) : f(clipped(peep(gate(sums, "f"), "f", c0)));
      const candidate = g(clipped(gate(sums, "c")));
      const c = add(mul(forget, c0), mul(i, candidate));
      const o = f(clipped(peep(gate(sums, "o"), "o", c)));
      const y = mul(o, h(c));
      return { states: [y, c], kept: [concat([i, o, forget, candidate]), c] };
    },
  },
);
