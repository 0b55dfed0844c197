/** Object headers of HDF5 files: the messages that describe a group or a dataset (HDF5 File Format Specification 3.0, section IV.A). */
import { type Bytes, type Cursor, damaged, unread } from "./cursor.ts";

/** A message of an object header. */
export interface Message {
  readonly type: number;
  readonly body: Cursor;
}

/** Message types. */
export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
} as const;

/** Reads the messages of an object header and its continuations. */
export function readHeader(bytes: Bytes, address: number): Message[] {
  const start = bytes.once(address, "object header");
  const messages: Message[] = [];
  const blocks: Cursor[] = [];
  const first = start.u8();
  const isOld = first === 1;
  /** Whether the messages of a new header have a creation order field. */
  let ordered = false;
  if (isOld) {
    const size = start.skip(7).u32();
    blocks.push(start.skip(4).part(size));
  } else {
    if (first !== "O".charCodeAt(0)) throw damaged(`no object header at ${address}`);
    start.signature("HDR").version(2);
    const flags = start.u8();
    ordered = (flags & 4) !== 0;
    start.skip((flags & 32 ? 16 : 0) + (flags & 16 ? 4 : 0));
    blocks.push(start.part(start.unsigned(1 << (flags & 3))));
  }
  const headOf = isOld ? 8 : ordered ? 6 : 4;
  for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
    while (block.left >= headOf) {
      const type = isOld ? block.u16() : block.u8();
      const size = block.u16();
      const flags = block.u8();
      block.skip(headOf - (isOld ? 5 : 4));
      const body = block.part(size);
      if (type === MESSAGE.continuation) {
        const [from, length] = [body.address(), body.u64()];
        const next = bytes.once(from, "continuation of an object header", length);
        // Each new block ends with a checksum.
        blocks.push(isOld ? next : next.signature("OCHK").part(length - 8));
      } else {
        if (flags & 2 && Object.values<number>(MESSAGE).includes(type)) throw unread("shared messages");
        messages.push({ type, body });
      }
    }
  }
  return messages;
}

/** The only message of a type. Each body is read once. */
export function messageOf(messages: readonly Message[], type: number): Cursor | undefined {
  const found = messages.filter((message) => message.type === type);
  if (found.length > 1) throw damaged("an object has a duplicate message");
  return found[0]?.body;
}
