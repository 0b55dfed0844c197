/** Keras and HDF5 files, damaged a given number of times and read through the public functions. */
import { damage, expectHarmless } from "@ostinato/conformance";
import { RandomStream } from "@ostinato/core";
import { type Group, openHdf5 } from "../src/hdf5/read.ts";
import { importKeras, loadKeras } from "../src/index.ts";
import { openZip, writeZip } from "../src/zip.ts";
import files from "./golden/hdf5.json" with { type: "json" };
import { kerasCases } from "./kerasFiles.ts";

const { small, inside } = kerasCases;

const fragments = [
  "-1",
  "0",
  "1e308",
  "9007199254740993",
  "null",
  "true",
  "[]",
  "{}",
  '"__proto__"',
  '"constructor"',
  '"Functional"',
  '"Dense"',
  '["gru",0,0]',
  `${"[".repeat(5000)}${"]".repeat(5000)}`,
];

/** Replaces a number, word or bracket of a text. */
function otherText(text: string, random: RandomStream): string {
  const tokens = [...text.matchAll(/-?\d+|"[^"]*"|null|true|false|[[\]{},:]/g)];
  const { index, 0: token } = tokens[random.below(tokens.length)] as RegExpExecArray;
  return text.slice(0, index) + fragments[random.below(fragments.length)] + text.slice(index + token.length);
}

/** An archive with a damaged member but correct sizes and checksums. */
function otherMember(file: Uint8Array, k: number, random: RandomStream): Uint8Array {
  const { names, member } = openZip(file);
  const [decode, encode] = [new TextDecoder(), new TextEncoder()];
  const isText = k % 2 === 0;
  const changed = isText ? "config.json" : "model.weights.h5";
  const other = isText
    ? encode.encode(otherText(decode.decode(member(changed)), random))
    : damage(member(changed), k >> 1, random);
  return writeZip(Object.fromEntries(names.map((name) => [name, name === changed ? other : member(name)])));
}

/** `.keras` archives: unchanged, and with members damaged before compression. */
export const damagedArchives = (count: number, seed: number) =>
  expectHarmless(
    [small.keras, small.keras, small.keras, inside.keras],
    (bytes) => importKeras(bytes, { acceptDifferences: true }),
    count,
    new RandomStream(seed, "keras"),
    (file, k, random) => (k % 4 === 0 ? damage : otherMember)(file, k >> 1, random),
  );

const { spec } = importKeras(small.keras);

/** Weight files. */
export const damagedWeights = (count: number, seed: number) =>
  expectHarmless([small.weights], (bytes) => loadKeras({ spec }, bytes), count, new RandomStream(seed, "weights"));

/** Keras 2 files with model and weights. */
export const damagedOlder = (count: number, seed: number) =>
  expectHarmless([small.h5 as Uint8Array], (bytes) => importKeras(bytes), count, new RandomStream(seed, "h5"));

/** Every array of an HDF5 file. */
export function arraysOf(bytes: Uint8Array): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  const visit = (group: Group, path: string): void => {
    for (const [name, member] of group.members) {
      if (member.kind === "group") visit(member, `${path}${name}/`);
      else found[path + name] = [...member.read().data];
    }
  };
  visit(openHdf5(bytes), "");
  return found;
}

/** An HDF5 file of h5py. */
export const hdf5File = (name: keyof typeof files): Uint8Array => new Uint8Array(Buffer.from(files[name], "base64"));

/** HDF5 files with contiguous and chunked arrays, compressed and uncompressed, and with headers of the newest version. */
export const damagedHdf5 = (count: number, seed: number) =>
  expectHarmless(
    [hdf5File("plain"), hdf5File("packed"), hdf5File("latest")],
    arraysOf,
    count,
    new RandomStream(seed, "hdf5"),
  );
