/**
 * Reads and writes zip archives of NumPy and Keras. Members are found in the central directory, and their sizes are checked before decompression. Archives are
 * treated as untrusted: at most ten times the size of the archive is decompressed.
 */
import { ModelFileError } from "@ostinato/core";
import { Inflate, strFromU8, zipSync } from "fflate";
import { expectUnderLimit } from "./limits.ts";

const MAXIMUM_MEMBERS = 10_000;
/** The number of pieces in which a member is decompressed, and their minimum size. Each piece yields at most 1,032 times its size before the output is checked. */
const PIECES = 256;
const SHORTEST_PIECE = 1024;

const END = { signature: 0x06054b50, size: 22, longestComment: 0xffff };
const ENTRY = { signature: 0x02014b50, size: 46 };
const HEADER = { signature: 0x04034b50, size: 30 };

/** Flag bits of an entry. */
const ENCRYPTED = 1;

/** The directory entry of a member. */
interface Member {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly checksum: number;
  /** Compressed and decompressed size in bytes. */
  readonly packed: number;
  readonly size: number;
  /** The position of its local header. */
  readonly header: number;
}

/** An archive whose directory has been read. */
export interface Archive {
  /** The names of its members, in the order of the directory. */
  readonly names: readonly string[];
  /** The bytes of a member. @throws ModelFileError if it does not exist or is damaged */
  member(name: string): Uint8Array<ArrayBuffer>;
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** Whether the bytes start with the signature of a zip archive. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes.length >= END.size && viewOf(bytes).getUint32(0, true) === HEADER.signature;

const damaged = (why: string): ModelFileError => new ModelFileError(`the archive is damaged: ${why}`);

/** The position of the end record, which may be followed by a comment. */
function endOf(view: DataView): number {
  const last = view.byteLength - END.size;
  for (let at = last; at >= Math.max(0, last - END.longestComment); at--)
    if (view.getUint32(at, true) === END.signature) return at;
  throw new ModelFileError("this is not a zip archive, or it is truncated: its directory is missing");
}

function directoryOf(bytes: Uint8Array): Map<string, Member> {
  const view = viewOf(bytes);
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffff_ffff)
    throw new ModelFileError("the archive uses zip64 (more than 4 GB or too many members), which is not supported");
  if (count > MAXIMUM_MEMBERS) throw new ModelFileError(`the archive has more than ${MAXIMUM_MEMBERS} members`);
  const members = new Map<string, Member>();
  let total = 0;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY.size > end || view.getUint32(at, true) !== ENTRY.signature)
      throw damaged(`directory entry ${i + 1} of ${count} is invalid`);
    const nameEnd = at + ENTRY.size + view.getUint16(at + 28, true);
    if (nameEnd > end) throw damaged("a name extends beyond the directory");
    const name = strFromU8(bytes.subarray(at + ENTRY.size, nameEnd));
    if (members.has(name)) throw damaged(`it has two members ${shortened(name)}`);
    const size = view.getUint32(at + 24, true);
    total += size;
    expectUnderLimit("the archive", total, bytes.length);
    members.set(name, {
      name,
      size,
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      header: view.getUint32(at + 42, true),
    });
    at = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return members;
}

const shortened = (name: string): string => JSON.stringify(name.slice(0, 100));

/** The bytes of a member as stored in the archive. */
function packedBytes(bytes: Uint8Array, { name, packed, header }: Member): Uint8Array {
  const view = viewOf(bytes);
  if (header + HEADER.size > bytes.length || view.getUint32(header, true) !== HEADER.signature)
    throw damaged(`${shortened(name)} is not where its directory says`);
  const start = header + HEADER.size + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
  if (start + packed > bytes.length) throw damaged(`${shortened(name)} extends beyond the end of the file`);
  return bytes.subarray(start, start + packed);
}

/** Decompresses deflate data (RFC 1951) piece by piece. Stops if the output exceeds the size in the directory. */
function inflated(packed: Uint8Array, { name, size }: Member): Uint8Array<ArrayBuffer> {
  const wrong = () => damaged(`${shortened(name)} does not decompress to ${size} bytes, the size in the directory`);
  const piece = Math.max(SHORTEST_PIECE, Math.ceil(packed.length / PIECES));
  const out = new Uint8Array(size);
  let filled = 0;
  const inflate = new Inflate((data) => {
    if (filled + data.length > size) throw wrong();
    out.set(data, filled);
    filled += data.length;
  });
  try {
    for (let at = 0; at < packed.length; at += piece)
      inflate.push(packed.subarray(at, at + piece), at + piece >= packed.length);
  } catch {
    throw wrong();
  }
  if (filled !== size) throw wrong();
  return out;
}

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32, the checksum of zip archives. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crcTable[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function unpacked(bytes: Uint8Array, member: Member): Uint8Array<ArrayBuffer> {
  const { name, flags, method, size, packed, checksum } = member;
  if (flags & ENCRYPTED || (method !== 0 && method !== 8))
    throw new ModelFileError(
      `${shortened(name)} of the archive is encrypted, or compressed with a method other than deflate`,
    );
  const stored = packedBytes(bytes, member);
  if (method === 0 && size !== packed) throw damaged(`${shortened(name)} has two sizes`);
  // A copy with its own buffer: readers need offsets that are multiples of 8.
  const data = method === 0 ? new Uint8Array(stored) : inflated(stored, member);
  if (crc32(data) !== checksum) throw damaged(`the checksum of ${shortened(name)} does not match`);
  return data;
}

/**
 * Opens an archive. Members are decompressed on demand.
 *
 * @throws ModelFileError if it is not a zip archive, is truncated or damaged, or would decompress to more than ten times its size
 */
export function openZip(bytes: Uint8Array): Archive {
  const members = directoryOf(bytes);
  return {
    names: [...members.keys()],
    member(name) {
      const member = members.get(name);
      if (member !== undefined) return unpacked(bytes, member);
      const found = [...members.keys()].slice(0, 10).map(shortened).join(", ");
      throw new ModelFileError(`the archive has no member ${shortened(name)}; it contains ${found || "none"}`);
    },
  };
}

/** An archive with uncompressed members. The same members give the same bytes. */
export function writeZip(members: Readonly<Record<string, Uint8Array>>): Uint8Array<ArrayBuffer> {
  // The earliest date of the format, which is in local time.
  return zipSync(members, { level: 0, mtime: new Date(1980, 0, 1) }) as Uint8Array<ArrayBuffer>;
}
