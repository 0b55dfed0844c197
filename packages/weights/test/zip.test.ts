/** Zip archives: round trips, and archives with false sizes and checksums. */
import { ModelFileError, RandomStream } from "@ostinato/core";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { isZip, openZip, writeZip } from "../src/zip.ts";

const bytes = (length: number, of: (i: number) => number = (i) => i * i): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => of(i));
const members = { "a/x.npy": bytes(1000), "b.bin": bytes(0), "ä.json": bytes(300, (i) => i % 3) };

const all = (archive: Uint8Array) => {
  const { names, member } = openZip(archive);
  return Object.fromEntries(names.map((name) => [name, member(name)]));
};

test.each([0, 9] as const)("members come out as they went in, packed at level %i", (level) => {
  const archive = zipSync(members, { level });
  expect(isZip(archive)).toBe(true);
  expect(all(archive)).toEqual(members);
});

test("the same members give the same bytes, which are those of a Buffer too", () => {
  expect(writeZip(members)).toEqual(writeZip({ ...members }));
  expect(all(Buffer.from(writeZip(members)))).toEqual(members);
});

test("long members are unpacked in pieces", () => {
  const random = new RandomStream(1, "long");
  const long = { x: bytes(900_000, () => random.below(50)), y: bytes(300_000, (i) => i >> 6) };
  expect(all(zipSync(long, { level: 6 }))).toEqual(long);
});

describe("what is not as it should be is told", () => {
  const archive = writeZip(members);
  const directory = archive.findLastIndex((_, i) => viewAt(archive, i) === 0x02014b50);
  const first = archive.findIndex((_, i) => viewAt(archive, i) === 0x02014b50);
  function viewAt(of: Uint8Array, at: number): number | undefined {
    return at + 4 <= of.length ? new DataView(of.buffer).getUint32(at, true) : undefined;
  }
  const edited = (edit: (view: DataView, copy: Uint8Array) => void): Uint8Array => {
    const copy = archive.slice();
    edit(new DataView(copy.buffer), copy);
    return copy;
  };
  const refusals: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
    ["no archive", () => bytes(100), /not a zip archive/],
    ["nothing", () => bytes(0), /not a zip archive/],
    ["one that is cut short", () => archive.subarray(0, archive.length - 30), /not a zip archive, or it is truncated/],
    ["a changed byte", () => edited((_, copy) => copy.fill(9, 60, 61)), /the checksum of "a\/x.npy" does not match/],
    [
      "a bomb",
      () => zipSync({ bomb: new Uint8Array(2_000_000) }),
      /more than 10 times the file size .* without compression/,
    ],
    [
      "more than is said",
      () => zipEdited(zipSync({ x: new Uint8Array(3000) }), 100),
      /does not decompress to 100 bytes/,
    ],
    [
      "less than is said",
      () => zipEdited(zipSync({ x: bytes(100, () => 1) }), 120),
      /does not decompress to 120 bytes/,
    ],
    ["two sizes of what is stored", () => edited((view) => view.setUint32(first + 24, 999, true)), /two sizes/],
    ["another method", () => edited((view) => view.setUint16(first + 10, 12, true)), /a method other than deflate/],
    ["what is encrypted", () => edited((view) => view.setUint16(first + 8, 1, true)), /encrypted/],
    [
      "a member elsewhere",
      () => edited((view) => view.setUint32(first + 42, 5, true)),
      /is not where its directory says/,
    ],
    ["no entry", () => edited((view) => view.setUint32(directory, 0, true)), /directory entry 3 of 3 is invalid/],
    ["too many members", () => edited((view) => view.setUint16(archive.length - 12, 0xfffe, true)), /more than 10000/],
    ["zip64", () => edited((view) => view.setUint16(archive.length - 12, 0xffff, true)), /zip64/],
  ];

  /** An archive of one member with a wrong size in the directory. */
  function zipEdited(of: Uint8Array, size: number): Uint8Array {
    const at = of.findIndex((_, i) => viewAt(of, i) === 0x02014b50);
    new DataView(of.buffer).setUint32(at + 24, size, true);
    return of;
  }

  test.each(refusals)("%s", (_name, make, message) => {
    const read = () => all(make());
    expect(read).toThrow(ModelFileError);
    expect(read).toThrow(message);
  });

  test("a member that is not there is told with those that are", () => {
    expect(() => openZip(archive).member("c")).toThrow(/no member "c"; it contains "a\/x.npy", "b.bin", "ä.json"/);
  });
});
