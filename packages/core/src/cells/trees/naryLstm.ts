/**
 * The N-ary Tree-LSTM (Tai, Socher and Manning 2015, equations 9 to 14), for up to K children in order, each of which has a forget gate of its own that
 * sees all of them:
 *
 *   i = f(Wi·x + Σ Ri,l·hl + Bi)         fk = f(Wf·x + Σ Rf,kl·hl + Bf)
 *   o = f(Wo·x + Σ Ro,l·hl + Bo)         u = g(Wc·x + Σ Rc,l·hl + Bc)
 *   c = i ∘ u + Σ fk ∘ ck                h = o ∘ g(c)
 *
 * R [(3 + K) · hidden, K · hidden] has the rows of i, o, f of child 0 … K - 1, c, and its columns are those of child 0 … K - 1.
 */
import { placingCell } from "./treeCell.ts";

export const naryLstm = placingCell(
  {
    gates: ["i", "o", "f", "c"],
    ofEachChild: ["f"],
    products: [["i", "o", "f", "c"]],
    states: ["h", "c"],
    activations: ["Sigmoid", "Tanh", "Tanh"],
  },
  ({ x, children, recur, gate, activations: [f, g, k], add, mul }) => {
    const products = recur(
      children.map(([h]) => h),
      0,
    );
    const i = f(add(gate(x, "i"), gate(products, "i", 0)));
    const o = f(add(gate(x, "o"), gate(products, "o", 0)));
    const u = g(add(gate(x, "c"), gate(products, "c", 0)));
    const ofX = gate(x, "f");
    const c = children.reduce(
      (kept, [, ck], place) => add(kept, mul(f(add(ofX, gate(products, "f", 0, place))), ck)),
      mul(i, u),
    );
    return [mul(o, k(c)), c];
  },
);
