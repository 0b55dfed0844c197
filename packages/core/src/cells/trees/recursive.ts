/**
 * The recursive network (Socher, Lin, Ng and Manning 2011), for up to K children in order: a leaf is its input, any other node is
 *
 *   h = f(x + R·[h0; …; hK-1] + B)
 *
 * where x, the node's own input, is zero for a node without a word. R is [hidden, K · hidden].
 */
import { placingCell } from "./treeCell.ts";

export const recursive = placingCell(
  {
    gates: ["h"],
    ofEachChild: [],
    products: [["h"]],
    states: ["h"],
    activations: ["Tanh"],
    leavesAreInputs: true,
  },
  ({ x, children, recur, orLeaf, activations: [f], add }) => {
    const states = children.map(([h]) => h);
    return [orLeaf(f(add(x, recur(states, 0))), x)];
  },
);
