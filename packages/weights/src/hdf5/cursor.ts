/** Reads the fields of an HDF5 file within its bounds, and limits the total number of bytes that are read. */
import { ModelFileError } from "@ostinato/core";
import { strFromU8 } from "fflate";

/** How many times the bytes of a file may be read in total. A valid file needs no byte twice. */
const READS = 2;

export const damaged = (why: string): ModelFileError => new ModelFileError(`the HDF5 file is damaged: ${why}`);

/** An error for a feature of the file that is not supported. */
export const unread = (what: string): ModelFileError =>
  new ModelFileError(`the HDF5 file uses ${what}, which is not supported; save it with the defaults of h5py or Keras`);

/** The undefined address. */
export const NOWHERE = -1;

/** The bytes of a file, and how many more may be read. No address is visited twice, so cycles cannot occur. */
export class Bytes {
  readonly all: Uint8Array;
  readonly view: DataView;
  #left: number;
  readonly #visited = new Set<number>();

  constructor(all: Uint8Array) {
    this.all = all;
    this.view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    this.#left = READS * all.length;
  }

  /** Counts bytes as read. @throws ModelFileError if the total is more than a valid file needs */
  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw damaged("its parts overlap or refer to each other in a cycle");
  }

  /** A cursor at an address of the file. @throws ModelFileError if the address has been visited before */
  once(address: number, what: string, size = this.all.length - address): Cursor {
    if (this.#visited.has(address)) throw damaged(`the ${what} at ${address} is referenced twice`);
    this.#visited.add(address);
    return this.at(address, what, size);
  }

  /** A cursor over `size` bytes from an address. */
  at(address: number, what: string, size = this.all.length - address): Cursor {
    if (!(address >= 0 && size >= 0 && address + size <= this.all.length))
      throw damaged(`the ${what} lies outside the file`);
    return new Cursor(this, address, address + size, what);
  }
}

/** A position in a file that advances as fields are read. */
export class Cursor {
  readonly #bytes: Bytes;
  readonly #end: number;
  readonly #what: string;
  readonly #start: number;
  #at: number;

  constructor(bytes: Bytes, start: number, end: number, what: string) {
    this.#bytes = bytes;
    this.#start = start;
    this.#at = start;
    this.#end = end;
    this.#what = what;
  }

  /** The number of bytes left. */
  get left(): number {
    return this.#end - this.#at;
  }

  #take(size: number): number {
    const at = this.#at;
    if (!(size >= 0 && size <= this.#end - at)) throw damaged(`the ${this.#what} is truncated`);
    this.#bytes.spend(size);
    this.#at = at + size;
    return at;
  }

  u8(): number {
    return this.#bytes.view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#bytes.view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#bytes.view.getUint32(this.#take(4), true);
  }

  /** An address, or `NOWHERE` if all of its bits are set. */
  address(): number {
    const value = this.#bytes.view.getBigUint64(this.#take(8), true);
    return value === 0xffffffffffffffffn ? NOWHERE : Number(value);
  }

  /** A length or count. */
  u64(): number {
    const value = this.#bytes.view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(`the ${this.#what} has a number that is too large`);
    return Number(value);
  }

  /** An integer of 1, 2, 4 or 8 bytes. */
  unsigned(size: number): number {
    return size === 1 ? this.u8() : size === 2 ? this.u16() : size === 4 ? this.u32() : this.u64();
  }

  skip(size: number): this {
    if (!(size >= 0 && size <= this.left)) throw damaged(`the ${this.#what} is truncated`);
    this.#at += size;
    return this;
  }

  /** Advances to the next multiple of 8 bytes, counted from the start of the cursor. */
  align(): this {
    return this.skip(Math.min(-(this.#at - this.#start) & 7, this.left));
  }

  bytes(size: number): Uint8Array {
    const at = this.#take(size);
    return this.#bytes.all.subarray(at, at + size);
  }

  /** A cursor over the next bytes, which this cursor skips. */
  part(size: number): Cursor {
    const start = this.#at;
    this.skip(size);
    return new Cursor(this.#bytes, start, start + size, this.#what);
  }

  /** @throws ModelFileError if the next bytes are not this signature */
  signature(expected: string): this {
    const found = String.fromCharCode(...this.bytes(expected.length));
    if (found !== expected) throw damaged(`the ${this.#what} does not begin with ${JSON.stringify(expected)}`);
    return this;
  }

  /** @throws ModelFileError if the next byte is not one of these versions */
  version(...known: readonly number[]): number {
    const found = this.u8();
    if (!known.includes(found)) throw unread(`version ${found} of its ${this.#what}`);
    return found;
  }

  /** UTF-8 up to a zero byte or the end. */
  text(): string {
    const { all } = this.#bytes;
    const zero = all.subarray(this.#at, this.#end).indexOf(0);
    return strFromU8(this.bytes(zero < 0 ? this.left : zero));
  }
}
