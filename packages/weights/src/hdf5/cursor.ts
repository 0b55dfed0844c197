/** The bytes of an HDF5 file, read field by field: nothing outside of the file, and no more fields in all than the file has room for. */
import { ModelFileError } from "@ostinato/core";
import { strFromU8 } from "fflate";

/** How often the bytes of a file may be read. In a sound file nothing is read twice. */
const READS = 2;

export const damaged = (why: string): ModelFileError => new ModelFileError(`the HDF5 file is damaged: ${why}`);

/** What a file has that is not read, with the way out. */
export const unread = (what: string): ModelFileError =>
  new ModelFileError(`the HDF5 file has ${what}, which is not read; save it with h5py or Keras and their defaults`);

/** An address that stands for none. */
export const NOWHERE = -1;

/** The bytes of a file, and how much may still be read of them. Places that were read are not read again, so that nothing goes in circles. */
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

  /** Counts bytes as read. @throws ModelFileError where that is more than an honest file makes of itself */
  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw damaged("its parts overlap, or refer to each other in circles");
  }

  /** A cursor at what an address of the file refers to. @throws ModelFileError where something else has led there before */
  once(address: number, what: string, size = this.all.length - address): Cursor {
    if (this.#visited.has(address)) throw damaged(`two things share one ${what}, at ${address}`);
    this.#visited.add(address);
    return this.at(address, what, size);
  }

  /** A cursor over the `size` bytes from an address on. */
  at(address: number, what: string, size = this.all.length - address): Cursor {
    if (!(address >= 0 && size >= 0 && address + size <= this.all.length))
      throw damaged(`the ${what} lies outside of it`);
    return new Cursor(this, address, address + size, what);
  }
}

/** A place in a file that moves on as fields are read. */
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

  /** How many bytes there are still. */
  get left(): number {
    return this.#end - this.#at;
  }

  #take(size: number): number {
    const at = this.#at;
    if (!(size >= 0 && size <= this.#end - at)) throw damaged(`the ${this.#what} is cut short`);
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

  /** An address, or `NOWHERE` where all of its bits are set. */
  address(): number {
    const value = this.#bytes.view.getBigUint64(this.#take(8), true);
    return value === 0xffffffffffffffffn ? NOWHERE : Number(value);
  }

  /** A length or a number. */
  u64(): number {
    const value = this.#bytes.view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(`the ${this.#what} has a number that is too large`);
    return Number(value);
  }

  /** A whole number of 1, 2, 4 or 8 bytes. */
  unsigned(size: number): number {
    return size === 1 ? this.u8() : size === 2 ? this.u16() : size === 4 ? this.u32() : this.u64();
  }

  skip(size: number): this {
    if (!(size >= 0 && size <= this.left)) throw damaged(`the ${this.#what} is cut short`);
    this.#at += size;
    return this;
  }

  /** On to the next multiple of 8 bytes from where it began. */
  align(): this {
    return this.skip(Math.min(-(this.#at - this.#start) & 7, this.left));
  }

  bytes(size: number): Uint8Array {
    const at = this.#take(size);
    return this.#bytes.all.subarray(at, at + size);
  }

  /** A cursor over the next bytes, which this one steps over. */
  part(size: number): Cursor {
    const start = this.#at;
    this.skip(size);
    return new Cursor(this.#bytes, start, start + size, this.#what);
  }

  /** @throws ModelFileError where the next bytes are not this signature */
  signature(expected: string): this {
    const found = String.fromCharCode(...this.bytes(expected.length));
    if (found !== expected) throw damaged(`the ${this.#what} does not begin with ${JSON.stringify(expected)}`);
    return this;
  }

  /** @throws ModelFileError where the next byte is none of these versions */
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
