/** Nodes of B-trees in HDF5 files. */
import { type Bytes, type Cursor, damaged } from "./cursor.ts";

/** A node: its level above the leaves, and a cursor at its first key. */
export interface TreeNode {
  readonly level: number;
  readonly count: number;
  readonly node: Cursor;
}

/** Reads the head of a B-tree node: 0 for names, 1 for chunks. Each node is read once, so cycles cannot occur. */
export function treeNode(bytes: Bytes, address: number, kind: number, level: number | undefined): TreeNode {
  const node = bytes.once(address, "B-tree").signature("TREE");
  if (node.u8() !== kind) throw damaged("a B-tree node has the wrong type");
  const own = node.u8();
  if (level !== undefined && own !== level) throw damaged("a B-tree node has the wrong level");
  const count = node.u16();
  return { level: own, count, node: node.skip(16) };
}
