/** Links of HDF5 groups: the names of their members and where those are. Links to other names and to other files are rejected. */
import { ModelFileError } from "@ostinato/core";
import { strFromU8 } from "fflate";
import { type Bytes, type Cursor, NOWHERE, unread } from "./cursor.ts";
import { MESSAGE, type Message, messageOf } from "./header.ts";
import { treeNode } from "./tree.ts";

/** The members of a group: the address of each object header by name. */
type Links = [name: string, address: number][];

/** The links of an old group: a B-tree of symbol tables, with names in a heap. */
function tableLinks(bytes: Bytes, body: Cursor): Links {
  const [tree, heapAddress] = [body.address(), body.address()];
  const heap = bytes.once(heapAddress, "local heap").signature("HEAP");
  heap.version(0);
  const size = heap.skip(3).u64();
  const names = heap.skip(8).address();
  const links: Links = [];
  const readTable = (address: number): void => {
    const table = bytes.once(address, "symbol table").signature("SNOD");
    table.version(1);
    const count = table.skip(1).u16();
    for (let k = 0; k < count; k++) {
      const [nameAt, header] = [table.u64(), table.address()];
      if (table.u32() === 2) throw new ModelFileError("the HDF5 file has a soft link, which is not followed");
      table.skip(20);
      links.push([bytes.at(names + nameAt, "name in a heap", size - nameAt).text(), header]);
    }
  };
  const readNode = (address: number, level?: number): void => {
    const { level: own, node, count } = treeNode(bytes, address, 0, level);
    for (let k = 0; k < count; k++) {
      const child = node.skip(8).address();
      if (own === 0) readTable(child);
      else readNode(child, own - 1);
    }
  };
  readNode(tree);
  return links;
}

/** Reads a link of a new group. @throws ModelFileError for soft links and external links */
function readLink(body: Cursor): Links[number] {
  body.version(1);
  const flags = body.u8();
  const type = flags & 8 ? body.u8() : 0;
  body.skip((flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0));
  const name = strFromU8(body.bytes(body.unsigned(1 << (flags & 3))));
  if (type !== 0)
    throw new ModelFileError(
      `the HDF5 file has a link "${name.slice(0, 60)}" ${type === 64 ? "to another file" : "to another name"}; such links are not followed`,
    );
  return [name, body.address()];
}

/** The members of a group, of an old or a new one. */
export function linksOf(bytes: Bytes, messages: readonly Message[]): Links {
  const table = messageOf(messages, MESSAGE.symbolTable);
  if (table) return tableLinks(bytes, table);
  const info = messageOf(messages, MESSAGE.linkInfo);
  if (info) {
    info.version(0);
    info.skip(info.u8() & 1 ? 8 : 0);
    if (info.address() !== NOWHERE) throw unread("a group that stores its links in a fractal heap");
  }
  return messages.filter(({ type }) => type === MESSAGE.link).map(({ body }) => readLink(body));
}
