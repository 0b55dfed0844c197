/** Parts of files in error messages: short, on one line, and where they stand. */

/** The beginning of a line. */
export function excerpt(line: string): string {
  const plain = line.replaceAll("\t", " ").replace(/\p{Cc}/gu, "");
  return plain.length > 60 ? `${plain.slice(0, 60)}…` : plain;
}

/** The beginning of a word or field, in quotes. */
export const quoted = (text: string): string => JSON.stringify(text.length > 20 ? `${text.slice(0, 20)}…` : text);

/** The column of what stands at an index of a line: characters as a person counts them, from 1 on. */
export function columnOf(line: string, at: number): number {
  let column = 1;
  for (let index = 0; index < at; index++) if (!isLowSurrogate(line.charCodeAt(index))) column += 1;
  return column;
}

const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code < 0xe000;
