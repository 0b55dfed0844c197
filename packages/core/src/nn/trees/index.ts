/** The public names of trees. */
export { recursive, recursiveTensor, type TreeLayer, treeGru, treeLstm } from "./create.ts";
export { type ForestTensors, forestOf } from "./forest.ts";
export { type BuiltTreeCell, defineTreeCell, type OwnTreeCell, type TreeCellInput, type TreeNodes } from "./ownCell.ts";
export { type TreeReader, treeReader } from "./reader.ts";
export type { Tree } from "./tree.ts";
export { type TreeRnnOptions, treeRnn } from "./treeRnn.ts";
