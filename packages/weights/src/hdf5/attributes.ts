/** Attributes of HDF5 objects: the texts among them. */
import { strFromU8 } from "fflate";
import { type Bytes, type Cursor, damaged } from "./cursor.ts";
import { readShape } from "./dataspace.ts";
import { readDatatype } from "./datatype.ts";
import { MESSAGE, type Message } from "./header.ts";

/** Text attributes: a string, or a list of strings. Other attributes are ignored. */
export type Attributes = Readonly<Record<string, string | readonly string[]>>;

/** Attribute texts that are stored in global heaps. */
export class HeapTexts {
  readonly #bytes: Bytes;
  /** The objects of each heap by index. */
  readonly #heaps = new Map<number, ReadonlyMap<number, Uint8Array>>();

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  #objects(address: number): ReadonlyMap<number, Uint8Array> {
    const collection = this.#bytes.once(address, "global heap").signature("GCOL");
    collection.version(1);
    const rest = collection.skip(3).part(collection.u64() - 16);
    const found = new Map<number, Uint8Array>();
    while (rest.left >= 16) {
      const index = rest.u16();
      const size = rest.skip(6).u64();
      // Free space comes last.
      if (index === 0) break;
      found.set(index, rest.bytes(size));
      rest.align();
    }
    return found;
  }

  /** The text of a reference. */
  at(element: Cursor): string {
    const [length, address, index] = [element.u32(), element.address(), element.u32()];
    if (length === 0) return "";
    const known = this.#heaps.get(address) ?? this.#objects(address);
    this.#heaps.set(address, known);
    const text = known.get(index)?.subarray(0, length);
    if (text === undefined) throw damaged("a text is missing from its heap");
    this.#bytes.spend(text.length);
    return strFromU8(text);
  }
}

/** An attribute; its value is undefined if it is not text. */
function readAttribute(heaps: HeapTexts, body: Cursor): readonly [string, string | readonly string[] | undefined] {
  const version = body.version(1, 2, 3);
  const shared = body.u8() !== 0 && version > 1;
  const [nameSize, typeSize, spaceSize] = [body.u16(), body.u16(), body.u16()];
  if (version === 3) body.skip(1);
  const padded = (size: number): Cursor => {
    const part = body.part(size);
    // Version 1 pads each part to a multiple of 8 bytes; the preceding fields take 8 bytes.
    if (version === 1) body.align();
    return part;
  };
  const name = padded(nameSize).text();
  const [typeBody, spaceBody] = [padded(typeSize), padded(spaceSize)];
  if (shared) return [name, undefined];
  const type = readDatatype(typeBody);
  if (type.kind !== "text" && type.kind !== "heapText") return [name, undefined];
  const shape = readShape(spaceBody);
  const count = shape.reduce((a, b) => a * b, 1);
  if (count * type.size > body.left) throw damaged(`the attribute "${name.slice(0, 60)}" is truncated`);
  const texts = Array.from({ length: count }, () => {
    const element = body.part(type.size);
    return type.kind === "text" ? element.text() : heaps.at(element);
  });
  return [name, shape.length === 0 ? (texts[0] as string) : texts];
}

/** The text attributes of an object. */
export function attributesOf(heaps: HeapTexts, messages: readonly Message[]): Attributes {
  const found = messages
    .filter(({ type }) => type === MESSAGE.attribute)
    .map(({ body }) => readAttribute(heaps, body))
    .filter(([name, value]) => value !== undefined && name !== "__proto__");
  return Object.fromEntries(found) as Attributes;
}
