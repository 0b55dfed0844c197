/** Element types of HDF5 files. Floating-point numbers and text are read; other types are only named in errors. */
import { type Cursor, damaged, unread } from "./cursor.ts";

/** An element type and its size in bytes. */
export type Datatype =
  | { readonly kind: "float"; readonly size: number; readonly read: (view: DataView, at: number) => number }
  /** Text of at most `size` bytes. */
  | { readonly kind: "text"; readonly size: number }
  /** A reference to text in a global heap. */
  | { readonly kind: "heapText"; readonly size: number }
  | { readonly kind: "other"; readonly size: number; readonly shown: string };

const classes = [
  "integers",
  "floating-point numbers",
  "times",
  "text",
  "bits",
  "bytes",
  "records",
  "references",
  "enumerations",
  "lists",
  "arrays",
];

function float16(view: DataView, at: number, little: boolean): number {
  const bits = view.getUint16(at, little);
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction
          ? Number.NaN
          : Number.POSITIVE_INFINITY
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits >> 15 ? -size : size;
}

/** The IEEE 754 formats: size in bytes, position and size of the exponent in bits, bits of the fraction, bias. */
const formats: readonly {
  readonly fields: readonly number[];
  readonly read: (view: DataView, at: number, little: boolean) => number;
}[] = [
  { fields: [2, 10, 5, 0, 10, 15], read: float16 },
  { fields: [4, 23, 8, 0, 23, 127], read: (view, at, little) => view.getFloat32(at, little) },
  { fields: [8, 52, 11, 0, 52, 1023], read: (view, at, little) => view.getFloat64(at, little) },
];

/** Reads the type in a message or an attribute. */
export function readDatatype(body: Cursor): Datatype {
  const head = body.u8();
  const [version, kind] = [head >> 4, head & 15];
  if (version < 1 || version > 3) throw unread(`version ${version} of its data types`);
  const bits = body.u8();
  body.skip(2);
  const size = body.u32();
  if (size === 0) throw damaged("the element size is 0");
  if (kind === 1) {
    const little = (bits & 1) === 0;
    // VAX byte order, which is neither little-endian nor big-endian.
    const isMixed = (bits & 0x40) !== 0;
    body.skip(2);
    const precision = body.u16();
    const fields = [size, body.u8(), body.u8(), body.u8(), body.u8(), body.u32()];
    const format = formats.find((known) => known.fields.join() === fields.join());
    if (format === undefined || isMixed || precision !== 8 * size)
      return { kind: "other", size, shown: `${size}-byte floating-point numbers in a non-IEEE format` };
    return { kind: "float", size, read: (view, at) => format.read(view, at, little) };
  }
  if (kind === 3) return { kind: "text", size };
  // Variable-length lists in a heap; type 1 is text.
  if (kind === 9 && (bits & 15) === 1 && size === 16) return { kind: "heapText", size };
  return { kind: "other", size, shown: classes[kind] ?? "something unknown" };
}
