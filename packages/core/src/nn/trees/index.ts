/** The public names of trees. */
export { type ForestTensors, forestOf } from "./forest.ts";
export { type TreeReader, treeReader } from "./reader.ts";
export type { Tree } from "./tree.ts";
