/** Texts in base64 that were deflated before, as bytes. */
import { host } from "./globals.ts";

declare function atob(text: string): string;
declare const DecompressionStream: new (
  format: "deflate-raw",
) => {
  readonly writable: { getWriter(): { write(bytes: Uint8Array): Promise<void>; close(): Promise<void> } };
  readonly readable: { getReader(): { read(): Promise<{ readonly value?: Uint8Array }> } };
};

/** The bytes of a text in base64 that was deflated before. */
export async function inflate(base64: string): Promise<Uint8Array> {
  const deflated = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  // Node's streams take longer to load than the module to compile.
  const zlib = host.process?.getBuiltinModule?.("node:zlib");
  if (zlib) return zlib.inflateRawSync(deflated);
  const { writable, readable } = new DecompressionStream("deflate-raw");
  const writer = writable.getWriter();
  const writing = Promise.all([writer.write(deflated), writer.close()]);
  const reader = readable.getReader();
  let bytes = new Uint8Array(0);
  for (let { value } = await reader.read(); value; { value } = await reader.read()) {
    const longer = new Uint8Array(bytes.length + value.length);
    longer.set(bytes);
    longer.set(value, bytes.length);
    bytes = longer;
  }
  await writing;
  return bytes;
}
