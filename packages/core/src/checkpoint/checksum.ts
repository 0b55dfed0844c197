/** CRC-32C (Castagnoli), of which any damage of up to 32 bits in a row and almost every other changes the value. */
import type { Tensors } from "../tensor.ts";
import { bytesOf } from "./safetensors.ts";

declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/**
 * Eight tables of 256 in one: the first is what a byte does to the checksum, each other what it does with one more byte behind it. So eight bytes are
 * taken at a time (Kounavis and Berry 2005, "slicing-by-8").
 */
const tables = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  tables[byte] = crc;
}
for (let at = 256; at < tables.length; at++) {
  const before = tables[at - 256] as number;
  tables[at] = (tables[before & 0xff] as number) ^ (before >>> 8);
}

/** The checksum of bytes; of several pieces one after another where `before` is that of those that came first. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  let i = 0;
  for (const end = bytes.length - 7; i < end; i += 8) {
    // Byte by byte: words would have the order of the machine, and would have to be aligned.
    crc =
      (tables[0x700 + ((bytes[i] as number) ^ (crc & 0xff))] as number) ^
      (tables[0x600 + ((bytes[i + 1] as number) ^ ((crc >>> 8) & 0xff))] as number) ^
      (tables[0x500 + ((bytes[i + 2] as number) ^ ((crc >>> 16) & 0xff))] as number) ^
      (tables[0x400 + ((bytes[i + 3] as number) ^ (crc >>> 24))] as number) ^
      (tables[0x300 + (bytes[i + 4] as number)] as number) ^
      (tables[0x200 + (bytes[i + 5] as number)] as number) ^
      (tables[0x100 + (bytes[i + 6] as number)] as number) ^
      (tables[bytes[i + 7] as number] as number);
  }
  for (; i < bytes.length; i++) crc = (tables[((bytes[i] as number) ^ crc) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The checksum of what a file holds: texts, and the names, shapes and numbers of tensors. */
export function checksumOf(texts: readonly (string | undefined)[], tensors: Tensors): string {
  const sorted = Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1));
  const described = sorted.map(([name, { dtype, shape }]) => [name, dtype, shape]);
  let crc = crc32c(new TextEncoder().encode(JSON.stringify([...texts, described])));
  for (const [, { data }] of sorted) crc = crc32c(bytesOf(data), crc);
  return crc.toString(16).padStart(8, "0");
}
