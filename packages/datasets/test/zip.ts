/** Small zip archives for tests, right or wrong as the test wants them. */
import { crc32 } from "node:zlib";

type Member = Uint8Array | { readonly method: number; readonly size: number; readonly stored: Uint8Array };

export function zipOf(members: Readonly<Record<string, Member>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, member] of Object.entries(members)) {
    const { method, size, stored } = "stored" in member ? member : { method: 0, size: member.length, stored: member };
    const fields = (signature: number, rest: number) => {
      const header = Buffer.alloc(rest + name.length);
      const shift = rest === 46 ? 2 : 0;
      header.writeUInt32LE(signature, 0);
      header.writeUInt16LE(method, 8 + shift);
      header.writeUInt32LE(crc32(stored), 14 + shift);
      header.writeUInt32LE(stored.length, 18 + shift);
      header.writeUInt32LE(size, 22 + shift);
      header.writeUInt16LE(name.length, 26 + shift);
      header.write(name, rest, "latin1");
      return header;
    };
    const header = fields(0x04034b50, 30);
    const entry = fields(0x02014b50, 46);
    entry.writeUInt32LE(offset, 42);
    parts.push(header, Buffer.from(stored));
    directory.push(entry);
    offset += header.length + stored.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}
