/** CRC-32C (Castagnoli), of which any damage of up to 32 bits in a row and almost every other changes the value. */
import type { Tensors } from "../tensor.ts";
import { bytesOf } from "./safetensors.ts";

declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** The checksum of bytes; of several pieces one after another where `before` is that of those that came first. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = (table[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
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
