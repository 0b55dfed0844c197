/**
 * The LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000 and the peepholes of Gers and Schmidhuber 2000), as ONNX's
 * operator has it:
 *
 *   i = f(Xt·Wiᵀ + Ht-1·Riᵀ + Pi ∘ Ct-1 + Bi)      o = f(Xt·Woᵀ + Ht-1·Roᵀ + Po ∘ Ct + Bo)
 *   f = f(Xt·Wfᵀ + Ht-1·Rfᵀ + Pf ∘ Ct-1 + Bf)      c = g(Xt·Wcᵀ + Ht-1·Rcᵀ + Bc)
 *   Ct = f ∘ Ct-1 + i ∘ c                          Ht = o ∘ h(Ct)
 */
import { add, mul, sub } from "../ir/build/elementwise.ts";
import { concat } from "../ir/build/shape.ts";
import { recurrences } from "../ir/recurrences.ts";
import type { Value } from "../ir/value.ts";
import type { Cell } from "./cell.ts";

export const lstm: Cell<"lstm"> = {
  products: () => [recurrences.lstm.gates],
  step({ x, states, recur, gate, peep, activations, clipped, flag }) {
    const [h0, c0] = states as [Value, Value];
    const [f, g, h] = activations as [(x: Value) => Value, (x: Value) => Value, (x: Value) => Value];
    const sums = add(x, recur(h0, 0));
    const i = f(clipped(peep(gate(sums, "i"), "i", c0)));
    const forget = flag("inputForget") ? sub(1, i) : f(clipped(peep(gate(sums, "f"), "f", c0)));
    const candidate = g(clipped(gate(sums, "c")));
    const c = add(mul(forget, c0), mul(i, candidate));
    const o = f(clipped(peep(gate(sums, "o"), "o", c)));
    const y = mul(o, h(c));
    return { states: [y, c], kept: [concat([i, o, forget, candidate], 1), c] };
  },
};
