/**
 * The N-ary Tree-GRU, for up to K children in order: each has a reset gate and an update gate of its own that see all of them, as the N-ary Tree-LSTM's forget
 * gates do (Tai, Socher and Manning 2015), and the update gates share out the node, as in the gated recursive network (Chen, Qiu, Zhu and Huang 2015):
 *
 *   rk = f(Wr·x + Σ Rr,kl·hl + Br)       u = g(Wh·x + Σ Rh,k·(rk ∘ hk) + Bh)
 *   ak = Wz·x + Σ Rz,kl·hl + Bz          zk = exp(ak) / (1 + Σ exp(al))
 *   h = (1 - Σ zk) ∘ u + Σ zk ∘ hk
 *
 * With K = 1 it is the GRU with the same weights, where the reset gate comes before the product with R: then z is the sigmoid of a.
 * R [(2 · K + 1) · hidden, K · hidden] has the rows of z of child 0 … K - 1, r of child 0 … K - 1, h.
 */
import { placingCell } from "./treeCell.ts";

export const naryGru = placingCell(
  {
    gates: ["z", "r", "h"],
    ofEachChild: ["z", "r"],
    products: [["z", "r"], ["h"]],
    states: ["h"],
    activations: ["Sigmoid", "Tanh"],
  },
  ({ x, children, recur, gate, activations: [f, g], add, sub, mul, div, maximum, exp }) => {
    const states = children.map(([h]) => h);
    const products = recur(states, 0);
    const [ofZ, ofR] = [gate(x, "z"), gate(x, "r")];
    const reset = states.map((h, place) => mul(f(add(ofR, gate(products, "r", 0, place))), h));
    const u = g(add(gate(x, "h"), recur(reset, 1)));
    const shares = states.map((_, place) => add(ofZ, gate(products, "z", 0, place)));
    // Relative to the largest, so that none overflows. The candidate's own share is that of 0.
    const largest = shares.reduce((most, share) => maximum(share, most), maximum(mul(ofZ, 0), 0));
    const own = exp(sub(0, largest));
    const each = shares.map((share) => exp(sub(share, largest)));
    const total = each.reduce((sum, share) => add(sum, share), own);
    return [
      div(
        states.reduce((sum, h, place) => add(sum, mul(each[place] as typeof h, h)), mul(own, u)),
        total,
      ),
    ];
  },
);
