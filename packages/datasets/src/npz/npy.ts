/** NumPy's `.npy` arrays of one dimension: whole numbers, and pickled lists of whole numbers. */
import { pickledLists } from "./pickle.ts";
import { NpzProblem } from "./problem.ts";

interface NpyHeader {
  /** NumPy's name of the element type, such as `<i8`. */
  readonly descr: string;
  readonly length: number;
  readonly body: Uint8Array;
}

/** How elements of a type are read; whole numbers of up to 8 bytes, little-endian. */
const wholeNumbers: Readonly<
  Record<string, { size: number; read: (view: DataView, offset: number) => number | bigint }>
> = {
  "|b1": { size: 1, read: (view, offset) => view.getUint8(offset) },
  "|i1": { size: 1, read: (view, offset) => view.getInt8(offset) },
  "|u1": { size: 1, read: (view, offset) => view.getUint8(offset) },
  "<i2": { size: 2, read: (view, offset) => view.getInt16(offset, true) },
  "<u2": { size: 2, read: (view, offset) => view.getUint16(offset, true) },
  "<i4": { size: 4, read: (view, offset) => view.getInt32(offset, true) },
  "<u4": { size: 4, read: (view, offset) => view.getUint32(offset, true) },
  "<i8": { size: 8, read: (view, offset) => view.getBigInt64(offset, true) },
  "<u8": { size: 8, read: (view, offset) => view.getBigUint64(offset, true) },
};

/** An array of whole numbers; a value beyond 32 bits is refused with `NpzProblem`. */
export function integersOf(bytes: Uint8Array): Int32Array {
  const { descr, length, body } = npyHeader(bytes);
  const type = Object.hasOwn(wholeNumbers, descr) ? wholeNumbers[descr] : undefined;
  if (type === undefined) throw new NpzProblem(`holds elements of type ${JSON.stringify(descr)}, not whole numbers`);
  if (body.length !== length * type.size) {
    throw new NpzProblem(`has ${body.length} bytes for ${length} elements of ${type.size}`);
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return Int32Array.from({ length }, (_, index) => {
    const value = Number(type.read(view, index * type.size));
    if ((value | 0) === value) return value;
    throw new NpzProblem(`holds ${value}, no 32-bit integer`);
  });
}

/** An array of lists of whole numbers, which NumPy pickles. The pickle is read, never run: see `pickledLists`. */
export function listsOf(bytes: Uint8Array): Int32Array[] {
  const { descr, length, body } = npyHeader(bytes);
  if (descr !== "|O") throw new NpzProblem(`holds elements of type ${JSON.stringify(descr)}, not lists`);
  const lists = pickledLists(body);
  if (lists.length !== length) throw new NpzProblem(`holds ${lists.length} lists, its header says ${length}`);
  return lists;
}

const magic = "\x93NUMPY";
/** NumPy's own limit. */
const longestHeader = 10_000;

function npyHeader(bytes: Uint8Array): NpyHeader {
  const latin1 = (start: number, end: number) => Buffer.from(bytes.subarray(start, end)).toString("latin1");
  if (bytes.length < 12 || latin1(0, 6) !== magic) throw new NpzProblem("is not a NumPy array");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = view.getUint8(6);
  if (major < 1 || major > 3) throw new NpzProblem(`is of .npy version ${major}; 1 to 3 are read`);
  const start = major === 1 ? 10 : 12;
  const end = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end - start > longestHeader || end > bytes.length) throw new NpzProblem("has a header that is too long");

  const header = latin1(start, end);
  const descr = /'descr': '([^']{1,20})'/.exec(header)?.[1];
  const shape = /'shape': \((\d{1,15}),\)/.exec(header)?.[1];
  if (descr === undefined || shape === undefined) {
    throw new NpzProblem("is not an array of one dimension, or its header is damaged");
  }
  return { descr, length: Number(shape), body: bytes.subarray(end) };
}
