/** A file in the form of Keras's imdb.npz: a zip archive of pickled lists of ids, and of labels. */
import { writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";

/** Writes the same rows as both halves. */
export function writeNpz(file: string, lists: readonly (readonly number[])[], labels: readonly number[]): void {
  const x = npy("|O", lists.length, pickledLists(lists));
  const y = npy("<i8", labels.length, Buffer.from(BigInt64Array.from(labels, BigInt).buffer));
  writeFileSync(file, zip({ "x_train.npy": x, "y_train.npy": y, "x_test.npy": x, "y_test.npy": y }));
}

/** NumPy's header (version 1.0), which fills up to 64 bytes, and the data. */
function npy(dtype: string, count: number, data: Buffer): Buffer {
  const header = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${count},), }`;
  const padded = `${header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11)}\n`;
  const size = Buffer.alloc(2);
  size.writeUInt16LE(padded.length);
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), size, Buffer.from(padded), data]);
}

/** What Python's pickle writes for an object array of lists of integers below 256, in protocol 2. */
function pickledLists(lists: readonly (readonly number[])[]): Buffer {
  const text = (part: string) => Buffer.from(part, "latin1");
  const small = (id: number) => Buffer.from([0x4b, id]); // K: one byte
  const list = (ids: readonly number[]) => Buffer.concat([text("]("), ...ids.map(small), text("e")]);
  return Buffer.concat([
    text("\x80\x02cnumpy.core.multiarray\n_reconstruct\n"),
    text("cnumpy\nndarray\nK\x00\x85c_codecs\nencode\nX\x01\x00\x00\x00bX\x06\x00\x00\x00latin1\x86R\x87R"),
    text("(K\x01"),
    small(lists.length),
    text("\x85cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R"),
    text("(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89]("),
    ...lists.map(list),
    text("etb."),
  ]);
}

/** Members as they are, without compression. */
function zip(members: Readonly<Record<string, Buffer>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(members)) {
    const fields = (signature: number, size: number, shift: number): Buffer => {
      const header = Buffer.alloc(size);
      header.writeUInt32LE(signature, 0);
      header.writeUInt32LE(crc32(data), 14 + shift);
      header.writeUInt32LE(data.length, 18 + shift);
      header.writeUInt32LE(data.length, 22 + shift);
      header.writeUInt16LE(name.length, 26 + shift);
      return header;
    };
    const entry = fields(0x02014b50, 46, 2);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, Buffer.from(name));
    const local = [fields(0x04034b50, 30, 0), Buffer.from(name), data];
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(members).length, 8);
  end.writeUInt16LE(Object.keys(members).length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, end]);
}
