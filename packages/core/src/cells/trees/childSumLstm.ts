/**
 * The Child-Sum Tree-LSTM (Tai, Socher and Manning 2015, equations 2 to 8), for children in no order, as those of a dependency tree:
 *
 *   h̃ = Σ hk                             i = f(Wi·x + Ri·h̃ + Bi)      o = f(Wo·x + Ro·h̃ + Bo)
 *   fk = f(Wf·x + Rf·hk + Bf)            u = g(Wc·x + Rc·h̃ + Bc)
 *   c = i ∘ u + Σ fk ∘ ck                h = o ∘ g(c)
 *
 * A chain is the LSTM with the same weights. R is multiplied with each child rather than with h̃, so that one product makes all gates, and leaves need none.
 */
import { summingCell } from "./treeCell.ts";

export const childSumLstm = summingCell(
  {
    gates: ["i", "o", "f", "c"],
    ofEachChild: [],
    products: [["i", "o", "f", "c"]],
    states: ["h", "c"],
    activations: ["Sigmoid", "Tanh", "Tanh"],
  },
  ({ x, children: [hk, ck], recur, gate, sum, ofParent, activations: [f, g, k], add, mul }) => {
    const products = recur(hk, 0);
    const sums = add(x, sum(products));
    const forget = f(add(ofParent(gate(x, "f")), gate(products, "f", 0)));
    const c = add(mul(f(gate(sums, "i")), g(gate(sums, "c"))), sum(mul(forget, ck)));
    return [mul(f(gate(sums, "o")), k(c)), c];
  },
);
