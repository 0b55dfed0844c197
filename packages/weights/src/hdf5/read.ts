/**
 * Reads HDF5 files as h5py writes them by default, the format of Keras's weights (HDF5 File Format Specification 3.0): groups, datasets of floating-point numbers, and
 * attributes of text. Other features are rejected by name. Files are untrusted: external links, soft links and cycles are rejected, and no buffer
 * is longer than ten times the file.
 */
import { ModelFileError } from "@ostinato/core";
import { type Attributes, attributesOf, HeapTexts } from "./attributes.ts";
import { Bytes, damaged } from "./cursor.ts";
import { type Dataset, datasetOf, type Opened } from "./dataset.ts";
import { MESSAGE, readHeader } from "./header.ts";
import { linksOf } from "./links.ts";
import { isHdf5, rootAddress } from "./superblock.ts";

/** A group of the file. */
export interface Group {
  readonly kind: "group";
  readonly attributes: Attributes;
  readonly members: ReadonlyMap<string, Group | Dataset>;
}

/** The maximum nesting depth. Keras nests one group per model and layer. */
const DEEPEST = 64;

/**
 * Opens an HDF5 file: its groups and arrays. The elements of an array are read on demand.
 *
 * @throws ModelFileError for files that are not HDF5, are damaged, or use unsupported features, which are named
 * @example const { members } = openHdf5(bytes);
 */
export function openHdf5(file: Uint8Array): Group {
  if (!isHdf5(file)) throw new ModelFileError("this is not an HDF5 file");
  const bytes = new Bytes(file);
  const heaps = new HeapTexts(bytes);
  const opened: Opened = { bytes, heaps, taken: 0 };
  const open = (address: number, name: string, depth: number): Group | Dataset => {
    if (depth > DEEPEST) throw new ModelFileError(`the HDF5 file nests groups more than ${DEEPEST} levels deep`);
    const messages = readHeader(bytes, address);
    const isGroup = messages.some(
      ({ type }) => type === MESSAGE.symbolTable || type === MESSAGE.linkInfo || type === MESSAGE.link,
    );
    if (!isGroup) return datasetOf(opened, name, messages);
    const attributes = attributesOf(heaps, messages);
    const members = new Map<string, Group | Dataset>();
    for (const [own, at] of linksOf(bytes, messages)) {
      if (members.has(own)) throw damaged(`the group "${name}" has two members "${own.slice(0, 60)}"`);
      members.set(own, open(at, name === "" ? own : `${name}/${own}`, depth + 1));
    }
    return { kind: "group", attributes, members };
  };
  const root = open(rootAddress(bytes), "", 0);
  if (root.kind !== "group") throw damaged("the root object is not a group");
  return root;
}
