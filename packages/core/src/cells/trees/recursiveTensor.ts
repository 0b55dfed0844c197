/**
 * The recursive neural tensor network (Socher et al. 2013), for up to K children in order: a leaf is its input, any other node is
 *
 *   h = f(x + sᵀ·V·s + R·s + B) with s = [h0; …; hK-1]
 *
 * where x, the node's own input, is zero for a node without a word. R is [hidden, K · hidden], V [hidden, K · hidden, K · hidden].
 */
import { placingCell } from "./treeCell.ts";

export const recursiveTensor = placingCell(
  {
    gates: ["h"],
    ofEachChild: [],
    products: [["h"]],
    states: ["h"],
    activations: ["Tanh"],
    leavesAreInputs: true,
    bilinear: true,
  },
  ({ x, children, recur, bilinear, orLeaf, activations: [f], add }) => {
    const states = children.map(([h]) => h);
    return [orLeaf(f(add(x, add(bilinear(states), recur(states, 0)))), x)];
  },
);
