/**
 * Writes HDF5 files (HDF5 File Format Specification 3.0): groups with their links in the object header, and contiguous arrays. HDF5 1.8 and later, h5py and Keras read them.
 */
import { sizeOf } from "@ostinato/core";
import { strToU8 } from "fflate";

/** A group with text attributes, or an array. */
export type Written = WrittenGroup | WrittenArray;

/** A group. */
export interface WrittenGroup {
  readonly attributes?: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, Written>>;
}

/** An array of float32 numbers or non-negative integers. */
export interface WrittenArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint32Array;
}

/** A growing buffer. */
class Output {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  /** Reserves bytes and returns their position. Invalidates the previous view. */
  #grow(size: number): number {
    const at = this.length;
    this.length += size;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  u8(...values: readonly number[]): this {
    const at = this.#grow(values.length);
    this.#bytes.set(values, at);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: number | bigint): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Numbers, little-endian whatever the machine. */
  numbers(data: Float32Array | Uint32Array): this {
    const at = this.#grow(4 * data.length);
    const isFloat = data instanceof Float32Array;
    for (let i = 0; i < data.length; i++) {
      if (isFloat) this.#view.setFloat32(at + 4 * i, data[i] as number, true);
      else this.#view.setUint32(at + 4 * i, data[i] as number, true);
    }
    return this;
  }

  /** Zeros up to a multiple of 8. */
  align(): this {
    this.#grow(-this.length & 7);
    return this;
  }

  /** Puts an address where room was left for it. */
  addressAt(at: number, address: number): void {
    this.#view.setBigUint64(at, BigInt(address), true);
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }
}

const NOWHERE = 0xffffffffffffffffn;

/** A message of an object's header: its type, and what it says. */
type Message = readonly [type: number, body: Output];

/** A dataspace of the first version; no axes are a scalar. */
function dataspace(shape: readonly number[]): Output {
  const body = new Output().u8(1, shape.length, 0, 0).u32(0);
  for (const size of shape) body.u64(size);
  return body;
}

/** IEEE 754 float32, or 4-byte integers, little-endian. */
function datatype(data: WrittenArray["data"]): Output {
  if (data instanceof Float32Array)
    return new Output().u8(0x11, 0x20, 31, 0).u32(4).u16(0).u16(32).u8(23, 8, 0, 23).u32(127);
  return new Output().u8(0x10, 0, 0, 0).u32(4).u16(0).u16(32);
}

/** An attribute of UTF-8 that fills its place. */
function attribute(name: string, value: string): Output {
  const [label, content] = [strToU8(`${name}\0`), strToU8(value)];
  const body = new Output().u8(1, 0).u16(label.length).u16(8).u16(8).bytes(label).align();
  // Text that is filled up with zeros, in UTF-8; a scalar.
  body.u8(0x13, 0x11, 0, 0).u32(Math.max(content.length, 1));
  body.u8(1, 0, 0, 0).u32(0);
  return body.bytes(content.length === 0 ? new Uint8Array(1) : content);
}

/** A hard link; `where` is told once it is known. */
function link(name: string): Output {
  const label = strToU8(name);
  // The size of the name in two bytes, and that it is UTF-8.
  return new Output().u8(1, 0x11, 1).u16(label.length).bytes(label);
}

/** Writes an object header of version 1. Returns the positions of the message bodies. */
function header(out: Output, messages: readonly Message[]): number[] {
  const size = messages.reduce((sum, [, body]) => sum + 8 + ((body.length + 7) & ~7), 0);
  out.align().u8(1, 0).u16(messages.length).u32(1).u32(size).u32(0);
  return messages.map(([type, body]) => {
    out
      .u16(type)
      .u16((body.length + 7) & ~7)
      .u8(0, 0, 0, 0);
    const at = out.length;
    out.bytes(body.take()).align();
    return at;
  });
}

function writeArray(out: Output, { shape, data }: WrittenArray): void {
  const size = 4 * sizeOf(shape);
  const layout = new Output().u8(3, 1);
  const at = layout.length;
  layout.u64(NOWHERE).u64(size);
  // No fill value, because all elements are written.
  const fill = new Output().u8(2, 2, 2, 0);
  const places = header(out, [
    [0x01, dataspace(shape)],
    [0x03, datatype(data)],
    [0x05, fill],
    [0x08, layout],
  ]);
  if (size === 0) return;
  out.addressAt((places[3] as number) + at, out.length);
  out.numbers(data).align();
}

/** Writes an object and all objects below it. Returns the position of its header. */
function write(out: Output, object: Written): number {
  const at = (out.length + 7) & ~7;
  if ("shape" in object) {
    writeArray(out, object);
    return at;
  }
  const { attributes = {}, members } = object;
  const links = Object.keys(members).map((name) => {
    const body = link(name);
    const place = body.length;
    return { name, body: body.u64(NOWHERE), place };
  });
  const messages: Message[] = [
    // Links are stored in the header, not in a heap.
    [0x02, new Output().u8(0, 0).u64(NOWHERE).u64(NOWHERE)],
    [0x0a, new Output().u8(0, 0)],
    ...Object.entries(attributes).map(([name, value]): Message => [0x0c, attribute(name, value)]),
  ];
  const places = header(out, [...messages, ...links.map(({ body }): Message => [0x06, body])]);
  links.forEach(({ name, place }, i) => {
    const address = write(out, members[name] as Written);
    out.addressAt((places[messages.length + i] as number) + place, address);
  });
  return at;
}

/** The bytes of an HDF5 file. They depend only on the content. */
export function writeHdf5(root: WrittenGroup): Uint8Array<ArrayBuffer> {
  const out = new Output();
  // Superblock version 0: sizes of addresses and lengths, and B-tree node sizes, which no group here uses.
  out
    .bytes(new Uint8Array([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]))
    .u8(0, 0, 0, 0, 0, 8, 8, 0)
    .u16(4)
    .u16(16)
    .u32(0);
  out.u64(0).u64(NOWHERE);
  const end = out.length;
  out.u64(0).u64(NOWHERE).u64(0);
  const rootAt = out.length;
  out.u64(0).u32(0).u32(0).u64(0).u64(0);
  out.addressAt(rootAt, write(out, root));
  out.align();
  out.addressAt(end, out.length);
  return out.take();
}
