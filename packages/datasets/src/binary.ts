/** Files that are no texts at all, told by their first bytes. */

/** Each with what completes "the file …". */
const kinds: readonly (readonly [start: readonly number[], problem: string])[] = [
  [
    [0x50, 0x4b, 0x03, 0x04],
    "is a ZIP archive, as an Excel workbook (.xlsx) is: export the sheet as CSV, or unpack it",
  ],
  [[0xd0, 0xcf, 0x11, 0xe0], "is an Excel workbook (.xls): export the sheet as CSV"],
  [[0x1f, 0x8b], "is compressed with gzip more than once: unpack it with gunzip"],
  [[0x28, 0xb5, 0x2f, 0xfd], "is compressed with Zstandard: unpack it with unzstd"],
  [[0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59], "is compressed with bzip2: unpack it with bunzip2"],
  [[0x50, 0x41, 0x52, 0x31, 0x15], "is a Parquet file: write it as CSV or JSONL"],
  [[0x25, 0x50, 0x44, 0x46, 0x2d], "is a PDF file: a table of texts as CSV or JSONL is wanted"],
];

/** What a file is that begins with these bytes; undefined where it may be a text. */
export function binaryProblem(bytes: Uint8Array): string | undefined {
  return kinds.find(([start]) => start.every((byte, index) => bytes[index] === byte))?.[1];
}
