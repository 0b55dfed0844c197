/**
 * The Child-Sum Tree-GRU (Zhou, Liu and Pan 2016): a gated recurrent unit whose state before is the sum of the states of the children, in no order:
 *
 *   h̃ = Σ hk                             z = f(Wz·x + Rz·h̃ + Bz)      r = f(Wr·x + Rr·h̃ + Br)
 *   u = g(Wh·x + Rh·(r ∘ h̃) + Bh)        h = (1 - z) ∘ u + z ∘ h̃
 *
 * A chain is the GRU with the same weights, where the reset gate comes before the product with R.
 */
import { summingCell } from "./treeCell.ts";

export const childSumGru = summingCell(
  {
    gates: ["z", "r", "h"],
    ofEachChild: [],
    products: [["z", "r"], ["h"]],
    states: ["h"],
    activations: ["Sigmoid", "Tanh"],
  },
  ({ x, children: [hk], recur, gate, sum, activations: [f, g], add, sub, mul }) => {
    const before = sum(hk);
    const gates = sum(recur(hk, 0));
    const z = f(add(gate(x, "z"), gate(gates, "z", 0)));
    const r = f(add(gate(x, "r"), gate(gates, "r", 0)));
    const u = g(add(gate(x, "h"), recur(mul(r, before), 1)));
    return [add(mul(sub(1, z), u), mul(z, before))];
  },
);
