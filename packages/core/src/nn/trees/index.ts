/** The public names of trees. */
export { recursive, recursiveTensor, type TreeLayer, treeGru, treeLstm } from "./create.ts";
export { type ForestTensors, forestOf } from "./forest.ts";
export { type TreeReader, treeReader } from "./reader.ts";
export type { Tree } from "./tree.ts";
