/** What the library's own layers of trees are called. */

/** The kinds of layers of trees. */
export const treeKinds = ["treeLstm", "treeGru", "recursive", "recursiveTensor", "treeRnn"] as const;
