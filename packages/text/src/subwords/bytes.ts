/** Bytes as tokens: `<0x41>` for those of unknown characters, and GPT-2's alphabet, in which every byte is a letter. */

// Stand in every JavaScript engine that has streams, though not in the language's own library.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (
  label: "utf-8",
  options: { fatal: boolean; ignoreBOM: true },
) => { decode(bytes: Uint8Array): string };

/** The bytes of a text in UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The tokens of all bytes, in order. */
export const byteTokens: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);

/** The byte of a token, or -1. */
export function byteOfToken(token: string): number {
  return /^<0x[0-9A-Fa-f]{2}>$/.test(token) ? Number.parseInt(token.slice(3, 5), 16) : -1;
}

/** The text of bytes that begin and end with whole characters; of any others U+FFFD for each byte, as Python's `tokenizers` has it. */
export function textOfBytes(bytes: readonly number[]): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return "\uFFFD".repeat(bytes.length);
  }
}

/** GPT-2's letters of the bytes: printable ones of Latin-1 are themselves, the others follow from U+0100 on. */
const letters: readonly string[] = (() => {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const isItself = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(isItself ? byte : 0x100 + others++);
  });
})();
const bytesOfLetters = new Map(letters.map((letter, byte) => [letter, byte]));

/** The bytes of a text as letters. */
export function byteLetters(text: string): string {
  let written = "";
  for (const byte of bytesOf(text)) written += letters[byte]!;
  return written;
}

/** The text whose bytes the tokens spell; a token with other letters is itself, and bytes that are no character become U+FFFD. */
export function textOfByteLetters(tokens: readonly string[]): string {
  const bytes: number[] = [];
  for (const token of tokens) {
    const spelled = Array.from(token, (letter) => bytesOfLetters.get(letter));
    for (const byte of spelled.includes(undefined) ? bytesOf(token) : spelled) bytes.push(byte as number);
  }
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
