/** Nodes of B-trees in HDF5 files. */
import { type Bytes, type Cursor, damaged } from "./cursor.ts";

/** A node: how far it is from the leaves, and a cursor before its first key. */
export interface TreeNode {
  readonly level: number;
  readonly count: number;
  readonly node: Cursor;
}

/** The head of a node of a B-tree: of names, 0, or of chunks, 1. Each node is read once, so that there are no circles. */
export function treeNode(bytes: Bytes, address: number, kind: number, level: number | undefined): TreeNode {
  const node = bytes.once(address, "B-tree").signature("TREE");
  if (node.u8() !== kind) throw damaged("a B-tree is of another kind");
  const own = node.u8();
  if (level !== undefined && own !== level) throw damaged("a node of a B-tree is not of its level");
  const count = node.u16();
  return { level: own, count, node: node.skip(16) };
}
