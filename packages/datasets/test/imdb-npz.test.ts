/** Keras's imdb.npz: what Keras makes of the golden files, NumPy's shuffle, and files that mean harm. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { storedHalves } from "../src/imdb-npz.ts";
import {
  DatasetError,
  DatasetFormatError,
  DatasetNotFoundError,
  DatasetOptionError,
  type ImdbNpzOptions,
  readImdbNpz,
} from "../src/index.ts";
import { unpacked, zipArchive } from "../src/npz/zip-archive.ts";
import { numpyShuffle } from "../src/numpy-shuffle.ts";
import { zipOf } from "./zip.ts";

const golden = (name: string) => join(import.meta.dirname, "golden", name);
// Written by golden/make_npz.py with NumPy itself.
const { cases, orders, checks } = JSON.parse(readFileSync(golden("imdb-npz.json"), "utf8"));

const folder = mkdtempSync(join(tmpdir(), "npz-"));
afterAll(() => rmSync(folder, { recursive: true }));
const failure = (bytes: Uint8Array): unknown => {
  try {
    storedHalves(bytes, "imdb.npz");
    return undefined;
  } catch (error) {
    return error;
  }
};

describe("as Keras reads it", () => {
  const camelCase = (options: object): ImdbNpzOptions =>
    Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name.replace(/_(.)/g, (_, c: string) => c.toUpperCase()), value]),
    );

  test.each<{ options: object; expected: unknown }>(cases)("$options", async ({ options, expected }) => {
    const { train, test } = await readImdbNpz(golden("savez.npz"), camelCase(options));
    const lists = ({ sequences, labels }: typeof train) => ({
      sequences: sequences.map((ids) => [...ids]),
      labels: [...labels],
    });
    expect({ train: lists(train), test: lists(test) }).toEqual(expected);
  });

  test.each(["savez_compressed", "protocol2", "protocol4", "protocol5"])("%s: the same data", async (name) => {
    expect(await readImdbNpz(golden(`${name}.npz`))).toEqual(await readImdbNpz(golden("savez.npz")));
  });

  test("maxlen drops rows of that length too, and leaves some in both halves", async () => {
    const { train } = await readImdbNpz(golden("savez.npz"), { maxlen: 6 });
    expect(Math.max(...train.sequences.map((ids) => ids.length))).toBe(5);
    await expect(readImdbNpz(golden("savez.npz"), { maxlen: 1 })).rejects.toThrow("maxlen must leave rows in both");
  });
});

describe("NumPy's shuffle", () => {
  test.each<[string, number[]]>(Object.entries(orders))("%s", (key, order) => {
    const [count, seed] = key.split(" ").map(Number);
    expect([...numpyShuffle(seed!)(count!)]).toEqual(order);
  });

  test("25,000 rows, and the second half from the same generator", () => {
    const shuffle = numpyShuffle(113);
    const order = shuffle(25_000);
    expect([...order.subarray(0, 8)]).toEqual(checks["first of 25000"]);
    expect([...order.subarray(-8)]).toEqual(checks["last of 25000"]);
    expect([...shuffle(25_000).subarray(0, 8)]).toEqual(checks["second shuffle"]);
  });
});

describe("wrong use", () => {
  test("a path without data says where to get it", async () => {
    const error = await readImdbNpz(join(folder, "none.npz")).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DatasetNotFoundError);
    expect(String(error)).toMatch(/Keras's IMDB file not found: looked for .*none\.npz; download https:.*imdb\.npz/);
    await expect(readImdbNpz(folder)).rejects.toThrow("cannot be read: it is a folder");
  });

  test("options", async () => {
    const refused = async (options: ImdbNpzOptions, message: string) => {
      const error = await readImdbNpz(golden("savez.npz"), options).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(DatasetOptionError);
      expect(String(error)).toContain(message);
    };
    await refused(
      { numWords: 0 },
      "numWords must be a whole number from 1 to 1073741824, or null for all words, got 0",
    );
    await refused({ skipTop: -1 }, "skipTop must be a whole number from 0");
    await refused({ maxlen: 2.5 }, "maxlen must be");
    await refused({ startChar: -1 }, "startChar must be");
    await refused({ seed: -1 }, "seed must be a whole number from 0 to 4294967295, as NumPy's, got -1");
  });
});

describe("hostile files", () => {
  test("cut off at every byte", () => {
    for (const name of ["savez.npz", "protocol2.npz"]) {
      const bytes = readFileSync(golden(name));
      for (let length = 0; length < bytes.length; length += 1) {
        expect(failure(bytes.subarray(0, length)), `${name} at ${length}`).toBeInstanceOf(DatasetFormatError);
      }
    }
  });

  test("arrays cut off or changed at every byte, in a sound archive", () => {
    for (const name of ["savez.npz", "protocol2.npz", "protocol4.npz"]) {
      const archive = zipArchive(readFileSync(golden(name)));
      const members = Object.fromEntries([...archive.members.keys()].map((key) => [key, unpacked(archive, key)]));
      for (const member of ["x_test.npy", "y_test.npy"]) {
        const bytes = members[member]!;
        for (let at = 0; at < bytes.length; at++) {
          const cut = failure(zipOf({ ...members, [member]: bytes.subarray(0, at) }));
          expect(cut, `${name} ${member} at ${at}`).toBeInstanceOf(DatasetFormatError);
          const changed = bytes.map((byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte));
          // A changed number may well be another number: what counts is that nothing else comes of it.
          const error = failure(zipOf({ ...members, [member]: changed }));
          if (error !== undefined) expect(error, `${name} ${member} at ${at}`).toBeInstanceOf(DatasetFormatError);
        }
      }
    }
  });

  test("every byte changed: an error that names the file, or the same rows", () => {
    const bytes = readFileSync(golden("savez.npz"));
    const original = storedHalves(bytes, "imdb.npz");
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      const error = failure(changed);
      if (error === undefined) expect(storedHalves(changed, "imdb.npz"), `byte ${at}`).toEqual(original);
      else expect(error, `byte ${at}`).toBeInstanceOf(DatasetFormatError);
    }
  });

  const header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
  const npy = (header: string, body: Uint8Array) =>
    Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00", "latin1"),
      Buffer.from(Uint16Array.of(header.length).buffer),
      Buffer.from(header, "latin1"),
      body,
    ]);
  const labels = npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", Buffer.alloc(8));
  const withPickle = (pickle: Uint8Array | string) =>
    zipOf({
      "x_train.npy": npy(header, typeof pickle === "string" ? Buffer.from(pickle, "latin1") : pickle),
      "y_train.npy": labels,
    });

  test("a pickle that would run something is refused by name", () => {
    for (const pickle of [
      "\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.",
      "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
    ]) {
      const error = failure(withPickle(pickle));
      expect(error).toBeInstanceOf(DatasetFormatError);
      expect(String(error)).toContain('x_train.npy is a pickle that asks for "os.system": pickles are never run here');
    }
    expect(String(failure(withPickle("\x80\x02cnumpy\nndarray\n)R.")))).toContain("calls what is not NumPy's");
    expect(String(failure(withPickle("\x80\x02c__proto__\nx\n.")))).toContain('asks for "__proto__.x"');
  });

  const start = "\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x01\x85";
  const array = (lists: string) => `${start}cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R\x89${lists}tb.`;

  test("what a pickle may hold, and what it may not", () => {
    // As Python 2 writes it; the rest of the archive is missing.
    expect(String(failure(withPickle(array("](]K\x05ae"))))).toContain("x_test.npy is not in the archive");
    const refused = (pickle: string, message: string) => expect(String(failure(withPickle(pickle)))).toContain(message);
    refused(array("](]X\x01\x00\x00\x00aae"), "holds lists of something else than whole numbers");
    refused(array("](K\x05e"), "holds something else than lists");
    refused(array("](]\x8a\x05\x00\x00\x00\x00\x01ae"), "holds a number beyond 32 bits");
    refused(array("](](K\x01K\x01e]q\x00h\x00e"), "is not an array of one dimension");
    refused(array("](]q\x00h\x00ae"), "holds lists of something else");
    refused(array("](]J\xff\xff\xff\xffae"), "x_train.npy holds the id -1 in row 0");
    refused("\x80\x02].", "is a pickle of something else than a NumPy array of lists");
    refused(`${array("](]K\x05ae")}.`, "goes on behind the end of its pickle");
    refused("\x80\x02}.", "with the code 0x7d, which is not read");
    refused("\x80\x02X\xff\xff\xff\xff", "is a pickle of texts");
    refused(`\x80\x02${"]".repeat(20_000)}`, "is a pickle that piles up too much");
    refused(`\x80\x02${"(".repeat(20_000)}`, "is nested too deeply");
    refused("\x80\x02a", "is a damaged pickle");
  });

  test("a list in very many places is not copied for each", () => {
    const lists = `](](${"K\x01".repeat(900)}eq\x00${"h\x00".repeat(900)}e`;
    const many = npy(
      header.replace("1,", "901,"),
      Buffer.from(array(lists).replace("K\x01\x85", "M\x85\x03\x85"), "latin1"),
    );
    expect(String(failure(zipOf({ "x_train.npy": many })))).toContain("x_train.npy repeats its lists");
  });

  test("archives that unpack to far more than they are", () => {
    const bomb = deflateRawSync(Buffer.alloc(2 * 2 ** 20));
    const claimed = (size: number) => zipOf({ "x_train.npy": { method: 8, size, stored: bomb } });
    expect(String(failure(claimed(2 * 2 ** 20)))).toContain("more than 100 times its stored size");
    expect(String(failure(claimed(2 ** 28 + 1)))).toContain("x_train.npy is larger than 256 MiB unpacked");
    expect(String(failure(claimed(1000)))).toContain("does not unpack to the size the directory says");
  });

  test("bytes of any kind, also inside an archive", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 60 }), (any, more) => {
        const inside = zipOf({ "x_train.npy": npy(header, any), "y_train.npy": more });
        for (const bytes of [any, inside]) expect(failure(bytes)).toBeInstanceOf(DatasetError);
      }),
    );
  });
});
