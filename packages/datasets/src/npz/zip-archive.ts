/** Members of a zip archive, as `numpy.savez` writes one: sizes are checked before anything is unpacked. */
import { crc32, inflateRawSync } from "node:zlib";
import { NpzProblem } from "./problem.ts";

/** A member is refused above this size, … */
const largestMember = 256 * 2 ** 20;
/** … and above this many times its stored size, unless it is small: a megabyte of equal labels packs a thousandfold. */
const largestRatio = 100;
const smallMember = 2 ** 20;

/** An entry of the archive's directory. */
interface Member {
  readonly method: number;
  readonly checksum: number;
  readonly storedSize: number;
  readonly size: number;
  /** Where its own header stands. */
  readonly headerOffset: number;
}

/** Names and places of an archive's members; nothing is unpacked yet. */
export interface ZipArchive {
  readonly bytes: Uint8Array;
  readonly members: ReadonlyMap<string, Member>;
}

const signatures = { end: 0x06054b50, directory: 0x02014b50, member: 0x04034b50 } as const;
const endSize = 22;
const directoryEntrySize = 46;
const memberHeaderSize = 30;

/** Reads the directory of an archive; throws `NpzProblem` for what is none, is cut off, or needs zip64. */
export function zipArchive(bytes: Uint8Array): ZipArchive {
  const view = viewOf(bytes);
  const end = endOffset(view);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  let offset = view.getUint32(end + 16, true);
  if (count === 0xffff || offset === 0xffffffff) throw new NpzProblem("is a zip64 archive, which is not read");
  if (offset + size > end) throw new NpzProblem("has a directory that lies outside the file");

  const members = new Map<string, Member>();
  for (let entry = 0; entry < count; entry++) {
    if (offset + directoryEntrySize > end || view.getUint32(offset, true) !== signatures.directory) {
      throw new NpzProblem(`has a damaged directory: entry ${entry + 1} of ${count} is none`);
    }
    const nameLength = view.getUint16(offset + 28, true);
    const extraLength = view.getUint16(offset + 30, true) + view.getUint16(offset + 32, true);
    const start = offset + directoryEntrySize;
    if (start + nameLength > end) throw new NpzProblem("has a damaged directory: a name runs over its end");
    const name = Buffer.from(bytes.subarray(start, start + nameLength)).toString("latin1");
    if (members.has(name)) throw new NpzProblem(`holds ${JSON.stringify(name)} twice`);
    members.set(name, {
      method: view.getUint16(offset + 10, true),
      checksum: view.getUint32(offset + 16, true),
      storedSize: view.getUint32(offset + 20, true),
      size: view.getUint32(offset + 24, true),
      headerOffset: view.getUint32(offset + 42, true),
    });
    offset = start + nameLength + extraLength;
  }
  return { bytes, members };
}

/** The last bytes of an archive: a fixed record and a comment of up to 65,535 bytes. */
function endOffset(view: DataView): number {
  const first = Math.max(0, view.byteLength - endSize - 0xffff);
  for (let offset = view.byteLength - endSize; offset >= first; offset--) {
    if (view.getUint32(offset, true) === signatures.end) return offset;
  }
  throw new NpzProblem("is not a zip archive, or is cut off: its directory is missing");
}

/** A member's bytes, unpacked and checked; throws `NpzProblem` for one that is missing, too large or damaged. */
export function unpacked({ bytes, members }: ZipArchive, name: string): Uint8Array {
  const member = members.get(name);
  if (member === undefined) {
    const found = [...members.keys()].slice(0, 10).map((known) => JSON.stringify(known.slice(0, 60)));
    throw new NpzProblem(`is not in the archive, which holds ${found.join(", ") || "nothing"}`);
  }
  requireSize(member);
  const data = inflated(storedBytes(bytes, member), member);
  if (data.length !== member.size) throw new NpzProblem(`has ${data.length} bytes, not ${member.size}`);
  if (crc32(data) !== member.checksum) throw new NpzProblem("is damaged: its checksum differs");
  return data;
}

function requireSize({ size, storedSize }: Member): void {
  if (size > largestMember) throw new NpzProblem(`is larger than 256 MiB unpacked (${size} bytes)`);
  if (size > smallMember && size > largestRatio * storedSize) {
    throw new NpzProblem(`unpacks to more than ${largestRatio} times its stored size (${size} bytes)`);
  }
}

function storedBytes(bytes: Uint8Array, { headerOffset, storedSize }: Member): Uint8Array {
  const view = viewOf(bytes);
  if (headerOffset + memberHeaderSize > bytes.length || view.getUint32(headerOffset, true) !== signatures.member) {
    throw new NpzProblem("has no header where the directory says");
  }
  const start =
    headerOffset + memberHeaderSize + view.getUint16(headerOffset + 26, true) + view.getUint16(headerOffset + 28, true);
  if (start + storedSize > bytes.length) throw new NpzProblem("runs over the end of the file");
  return bytes.subarray(start, start + storedSize);
}

function inflated(stored: Uint8Array, { method, size }: Member): Uint8Array {
  if (method === 0) return stored;
  if (method !== 8) throw new NpzProblem(`is packed by method ${method}; only stored and deflated members are read`);
  try {
    return inflateRawSync(stored, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    throw new NpzProblem("is damaged: it does not unpack to the size the directory says", { cause: error });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
