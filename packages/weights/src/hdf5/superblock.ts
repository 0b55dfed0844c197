/** The superblock of HDF5 files: their signature, and where their root group is (HDF5 File Format Specification 3.0, section II). */
import { type Bytes, unread } from "./cursor.ts";

const SIGNATURE = "\x89HDF\r\n\x1a\n";

/** Whether the bytes start with the signature of an HDF5 file. */
export const isHdf5 = (bytes: Uint8Array): boolean =>
  bytes.length >= SIGNATURE.length && [...SIGNATURE].every((letter, i) => letter.charCodeAt(0) === bytes[i]);

/** Finds the header of the root group. */
export function rootAddress(bytes: Bytes): number {
  const head = bytes.once(0, "superblock").signature(SIGNATURE);
  const version = head.version(0, 1, 2, 3);
  if (version < 2) head.skip(4);
  const [offsets, lengths] = [head.u8(), head.u8()];
  if (offsets !== 8 || lengths !== 8) throw unread(`${offsets}-byte addresses and ${lengths}-byte lengths`);
  // Old: a reserved byte, two B-tree K values, and flags; then a third K and two reserved bytes. New: flags.
  head.skip(version < 2 ? (version === 0 ? 9 : 13) : 1);
  if (head.address() !== 0) throw unread("a base address");
  if (version < 2) return head.skip(24).skip(8).address();
  return head.skip(16).address();
}
