/** HDF5 files: files of h5py are read, libhdf5 reads what is written, and external links and cycles are rejected. */
import { ModelFileError } from "@ostinato/core";
import { expect, test } from "vitest";
import { type Group, openHdf5 } from "../src/hdf5/read.ts";
import { writeHdf5 } from "../src/hdf5/write.ts";
import { arraysOf, hdf5File } from "./damagedKeras.ts";

const ramp = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function at(group: Group, path: string): Group {
  const found = path.split("/").reduce<Group | undefined>((inside, name) => {
    const member = inside?.members.get(name);
    return member?.kind === "group" ? member : undefined;
  }, group);
  if (found === undefined) throw new Error(`there is no group ${path}`);
  return found;
}

function numbers(group: Group, name: string): { shape: readonly number[]; data: number[] } {
  const member = group.members.get(name);
  if (member?.kind !== "dataset") throw new Error(`there is no array ${name}`);
  const { shape, data } = member.read();
  return { shape, data: [...data] };
}

test("groups, attributes and arrays of h5py", () => {
  const root = openHdf5(hdf5File("plain"));
  const vars = at(root, "layers/dense/vars");
  expect(vars.attributes).toEqual({ name: "naïve", list: ["kernel", "bias:0"], texts: ["one", "", "drei"] });
  for (const name of ["half", "single", "double"])
    expect(numbers(vars, name), name).toEqual({ shape: [2, 3], data: ramp(6) });
  expect(numbers(vars, "scalar")).toEqual({ shape: [], data: [7] });
  expect(numbers(vars, "empty")).toEqual({ shape: [0, 4], data: [] });
  expect(() => numbers(vars, "whole")).toThrow('"layers/dense/vars/whole" of the HDF5 file contains integers');
  const many = at(root, "many");
  expect(many.members.size).toBe(40);
  for (const k of ramp(40)) expect(numbers(many, `member${k}`).data).toEqual([k]);
});

test("arrays in chunks, packed and not, with chunks over the edges", async () => {
  const root = openHdf5(hdf5File("packed"));
  expect(numbers(root, "edges")).toEqual({ shape: [7, 5], data: ramp(35) });
  expect(numbers(root, "cube")).toEqual({ shape: [4, 5, 6], data: ramp(120) });
  expect(numbers(root, "stored")).toEqual({ shape: [10], data: ramp(10) });
});

test("numbers whose bytes are in the other order", () => {
  expect(numbers(openHdf5(hdf5File("bigEndian")), "x")).toEqual({ shape: [2], data: ramp(2) });
});

test("headers of the newest version", async () => {
  const root = openHdf5(hdf5File("latest"));
  expect(at(root, "a").attributes).toEqual({ name: "new" });
  expect(numbers(at(root, "a"), "x")).toEqual({ shape: [2, 3], data: ramp(6) });
  expect(numbers(at(root, "a/b"), "y")).toEqual({ shape: [4], data: ramp(4) });
});

test.each([
  ["softLink", "a soft link"],
  ["softLinkNew", 'a link "x" to another name'],
  ["externalLink", 'a link "x" to another file'],
  ["externalStorage", 'the array "x" is stored in another file'],
  ["virtual", "a virtual dataset"],
  ["neverWritten", 'the array "x" was never written'],
  ["cycle", "is referenced twice"],
  ["twice", "is referenced twice"],
  ["lzf", "an array with filter 32000"],
  [
    "latestChunks",
    "a chunked array with layout version 4, which is not supported; save it with the defaults of h5py or Keras",
  ],
  ["bomb", 'the array "x" of the HDF5 file would decompress to 4000000 bytes, more than 10 times the file size'],
] as const)("%s is refused", async (name, message) => {
  const read = () => arraysOf(hdf5File(name));
  expect(read).toThrow(ModelFileError);
  expect(read).toThrow(message);
});

/** A file with every feature of the writer. */
const written = writeHdf5({
  members: {
    layers: {
      members: {
        dense: { attributes: { name: "naïve" }, members: { 0: { shape: [2, 3], data: new Float32Array(ramp(6)) } } },
        nothing: { attributes: { name: "" }, members: {} },
      },
    },
    scalar: { shape: [], data: new Float32Array([7]) },
    empty: { shape: [0, 2], data: new Float32Array() },
    many: {
      members: Object.fromEntries(ramp(3000).map((k) => [`member${k}`, { shape: [1], data: new Float32Array([k]) }])),
    },
  },
});

test("what is written is read back", async () => {
  const root = openHdf5(written);
  expect(at(root, "layers/dense").attributes).toEqual({ name: "naïve" });
  expect(at(root, "layers/nothing").attributes).toEqual({ name: "" });
  const all = arraysOf(written);
  expect(all).toMatchObject({ "layers/dense/0": ramp(6), scalar: [7], empty: [], "many/member2999": [2999] });
});

test("what is written is read by libhdf5", async () => {
  const { default: hdf5 } = await import("h5wasm");
  const { FS } = await hdf5.ready;
  FS.writeFile("/written.h5", written);
  const opened = new hdf5.File("/written.h5", "r");
  const value = (path: string) => {
    const found = opened.get(path);
    return found instanceof hdf5.Dataset ? { shape: found.shape, value: found.to_array() } : undefined;
  };
  expect((opened.get("layers/dense") as InstanceType<typeof hdf5.Group>).attrs.name?.value).toBe("naïve");
  expect(value("layers/dense/0")).toEqual({ shape: [2, 3], value: [ramp(3), [3, 4, 5]] });
  expect(value("scalar")).toEqual({ shape: [], value: 7 });
  expect((opened.get("many") as InstanceType<typeof hdf5.Group>).keys()).toHaveLength(3000);
  expect(value("many/member2999")).toEqual({ shape: [1], value: [2999] });
  opened.close();
});
