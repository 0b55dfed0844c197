/** CSV and TSV as people, spreadsheets and databases write them: quotes, delimiters, encodings, line ends. */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { foreignEncoding } from "../src/index.ts";
import { readOf, refused, rowsOf } from "./tables.ts";

describe("quotes as people and programs write them", () => {
  const usual = { format: "csv", delimiter: ",", header: true, backslashEscapes: false, strayQuotes: [] };

  test("a quote at the start of a field that nothing closes is a character, and its place is told", async () => {
    const content = 'text,label\n"Amazing film,pos\nfine,neg\n"bad",neg\nid,"pos\n"""so"" bad",neg\n';
    expect(await readOf("a.csv", content)).toEqual({
      rows: [
        ['"Amazing film', "pos"],
        ["fine", "neg"],
        ["bad", "neg"],
        ["id", '"pos'],
        ['"so" bad', "neg"],
      ],
      form: {
        ...usual,
        strayQuotes: [
          { line: 2, column: 1 },
          { line: 5, column: 2 },
        ],
      },
    });
    const last = await readOf("a.csv", 'text,label\r\nfine,neg\r\n"Amazing film,pos');
    expect(last.rows).toEqual([
      ["fine", "neg"],
      ['"Amazing film', "pos"],
    ]);
    expect(last.form).toMatchObject({ strayQuotes: [{ line: 3, column: 1 }] });
  });

  test("far from the end of a file, too", async () => {
    const line = `${"a good film ".repeat(20)},x\n`;
    const { rows, form } = await readOf("a.csv", `text,label\n"${line.repeat(80_000)}b,y\n`);
    expect(rows).toHaveLength(80_001);
    expect(rows[0]?.[0]).toMatch(/^"a good film/);
    expect(form).toMatchObject({ strayQuotes: [{ line: 2, column: 1 }] });
  });

  test("a text over lines that would all be rows with known labels is reported with line and column", async () => {
    const swallowed = 'text,label\na,pos\nb,neg\n"Amazing film,pos\nfine,neg\nthe end",pos\n';
    await refused("b.csv", swallowed, "line 4, column 1: a quote opens a text that goes on to line 6");
    await refused("b.csv", swallowed.replaceAll("\n", "\r\n"), "line 4, column 1: a quote opens a text");
    const second = 'label,text\npos,a\nneg,b\npos,"Amazing film\nneg,fine\npos,the end"\n';
    await refused("b.csv", second, "line 4, column 2: a quote opens a text that goes on to line 6");
    // Delimiters in the texts at both ends; two lines only.
    const between = 'text,label\na,pos\nb,neg\n"Amazing, great film,pos\nfine,neg\nthe, end",pos\n';
    await refused("b.csv", between, "line 4, column 1: a quote opens a text that goes on to line 6");
    const two = 'text,label\na,pos\nb,neg\n"Amazing, great film,neg\nthe end",pos\n';
    await refused("b.csv", two, "line 4, column 1: a quote opens a text that goes on to line 5");
    const twoBehind = 'label,text\npos,a\nneg,b\npos,"Amazing film\nneg,fine"\n';
    await refused("b.csv", twoBehind, "line 4, column 2: a quote opens a text that goes on to line 5");
    // Lines of a letter are not rows, nor is what ends in no label of the file.
    for (const text of [
      "Hello,\nit is late,\nBob",
      "I came, I saw\n I won, too",
      "one\ntwo",
      "a,b\nc,neg\nd,e\nf",
      "neg\npos,",
    ]) {
      expect(await rowsOf("b.csv", `text,label\na,pos\nb,neg\n"${text}",pos\n`)).toEqual([
        ["a", "pos"],
        ["b", "neg"],
        [text, "pos"],
      ]);
    }
  });

  test('\\" within quotes', async () => {
    const content = [
      "text,label",
      String.raw`"he said \"hi\", twice",x`,
      String.raw`"\"hi\"",x`,
      String.raw`"12\"",x`,
      String.raw`"a \\ b \"\\\" c",y`,
      '"doubled ""quotes""",y',
      String.raw`"a path C:\new\",y`,
      "",
    ];
    const rows = [
      ['he said "hi", twice', "x"],
      ['"hi"', "x"],
      ['12"', "x"],
      [String.raw`a \ b "\" c`, "y"],
      ['doubled "quotes"', "y"],
      ["a path C:\\new\\", "y"],
    ];
    for (const end of ["\n", "\r\n"]) {
      expect(await readOf("c.csv", content.join(end))).toEqual({ rows, form: { ...usual, backslashEscapes: true } });
    }
    // A comma behind an escaped quote is seen by the width of the row.
    expect(await rowsOf("c.csv", 'text,label\n"an \\", odd",x\nb,y\n')).toEqual([
      ['an ", odd', "x"],
      ["b", "y"],
    ]);
    expect(await readOf("c.csv", 'text,label\n"C:\\",x\nb,y\n')).toEqual({
      rows: [
        ["C:\\", "x"],
        ["b", "y"],
      ],
      form: usual,
    });
  });

  test("many quotes take linear time", async () => {
    const content = `text,label\n${'"a ""b"" \\" c",x\n'.repeat(100_000)}"",y\n`;
    const start = performance.now();
    expect(await rowsOf("d.csv", content)).toHaveLength(100_001);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe("what stands between fields", () => {
  test.each([
    ["semicolons", "text;label\na, b, c;x\nd;y\n", ";"],
    ["tabs", "text\tlabel\na, b; c\tx\nd;\ty\n", "\t"],
    ["commas", 'text,label\n"a; b; c",x\nd;,y\n', ","],
    ["sep=", "sep=;\r\ntext;label\r\na;x\r\nb;y\r\n", ";"],
    ["sep= with another one", "\ufeffsep=|\ntext|label\na;,|x\nb|y\n", "|"],
    ["semicolons around quotes", '"label";"text"\n"x";"a, ""b"""\n"y";"c"\n', ";"],
  ])("%s are found out", async (_, content, delimiter) => {
    const { rows, form } = await readOf("a.csv", content);
    expect(rows.map(([, label]) => label)).toEqual(["x", "y"]);
    expect(form).toEqual({ format: "csv", delimiter, header: true, backslashEscapes: false, strayQuotes: [] });
  });

  test("without a header, by the width of the rows; what is given counts", async () => {
    const numbered = { header: false, textColumn: "1", labelColumn: "2" };
    expect((await readOf("b.csv", "a, b, c;x\nd;y\n", numbered)).form).toMatchObject({ delimiter: ";", header: false });
    const both = "a, b;x\nc, d;y\ne, f;x\n";
    expect((await readOf("b.csv", both, numbered)).form).toMatchObject({ delimiter: ";" });
    expect((await readOf("b.tsv", "a,x\nc,y\n", numbered)).form).toMatchObject({ format: "tsv", delimiter: "," });
    expect(await rowsOf("b.csv", "sep=;\na,x;1\nc,y;2\n", { ...numbered, delimiter: "," })).toEqual([
      ["a", "x;1"],
      ["c", "y;2"],
    ]);
    await refused("b.csv", "a;x\nb;y\n", 'has no column "text", only "a", "x"');
    await refused("b.csv", "sep=;\n", "holds nothing but empty lines");
    await refused("b.csv", "sep=;\ntext;label\na;b;c\n", "line 3 has 3 fields, the header has 2");
  });

  test("JSONL has no delimiter", async () => {
    const { form } = await readOf("c.jsonl", '{"text":"a","label":"x"}\r\n{"text":"b\\r\\nc","label":"y"}');
    expect(form).toEqual({ format: "jsonl" });
  });
});

describe("encodings and line ends", () => {
  const table = "text,label\nfür,x\nb,y\n";
  const bigEndian = (text: string): Uint8Array => Buffer.from(text, "utf16le").swap16();

  test.each<[name: string, bytes: Uint8Array, message: string]>([
    [
      "a workbook",
      Buffer.from("504b030414000600", "hex"),
      "is a ZIP archive, as an Excel workbook (.xlsx) is: export the sheet",
    ],
    ["an old workbook", Buffer.from("d0cf11e0a1b11ae1", "hex"), "is an Excel workbook (.xls): export the sheet as CSV"],
    ["gzip twice", gzipSync(gzipSync(table)), "is compressed with gzip more than once: unpack it with gunzip"],
    ["gzip that is cut off", gzipSync(table).subarray(0, -9), "is damaged or cut off (unexpected end of file)"],
    [
      "gzip that is damaged",
      gzipSync(table).fill(0xff, 12, 20),
      "is compressed with gzip and cannot be unpacked: it is damaged",
    ],
    ["gzip of nothing", gzipSync(""), "is empty"],
    ["gzip of Latin-1", gzipSync(Buffer.from(table, "latin1")), "is not UTF-8 in line 2; it may be Latin-1"],
    ["Zstandard", Buffer.from("28b52ffd0458", "hex"), "is compressed with Zstandard"],
    ["bzip2", Buffer.from("425a6839314159265359", "hex"), "is compressed with bzip2"],
    ["Parquet", Buffer.from("504152311504", "hex"), "is a Parquet file: write it as CSV or JSONL"],
    ["PDF", Buffer.from("%PDF-1.7\n"), "is a PDF file"],
    ["UTF-16", Buffer.from(`\ufeff${table}`, "utf16le"), "is not UTF-8 but UTF-16 (little-endian): save it as UTF-8"],
    ["UTF-16, big-endian", bigEndian(`\ufeff${table}`), "iconv -f UTF-16 -t UTF-8"],
    ["UTF-16 without mark", Buffer.from(table, "utf16le"), "iconv -f UTF-16LE -t UTF-8"],
    ["UTF-16, big-endian, without mark", bigEndian(table), "iconv -f UTF-16BE -t UTF-8"],
    [
      "UTF-16 of other letters",
      Buffer.from(`文本,标签\n${"很好的电影,好\n".repeat(9)}`, "utf16le"),
      "but UTF-16 (little",
    ],
    ["UTF-32", Uint8Array.of(0xff, 0xfe, 0, 0, 0x74, 0, 0, 0), "but UTF-32"],
    ["Latin-1", Buffer.from(table, "latin1"), "is not UTF-8 in line 2; it may be Latin-1 (Windows-1252)"],
    ["Latin-1 at the start", Buffer.from("ü,label\na,b", "latin1"), "is not UTF-8 in line 1; it may be Latin-1"],
    ["Latin-1 far behind", Buffer.from(`${table.repeat(60_000)}für`, "latin1"), "is not UTF-8 in line 2;"],
    [
      "one byte far behind",
      Buffer.concat([Buffer.from(table.repeat(60_000)), Buffer.of(0xe9, 0x2c)]),
      "in line 180001;",
    ],
    ["a text that is cut off", Buffer.from(table).subarray(0, 13), "in line 2, its last: it ends within a character"],
  ])("%s is reported with the file and the way out", async (_, bytes, message) => {
    await refused("a.csv", bytes, message);
    await refused("a.tsv", bytes, message);
  });

  test("what is compressed with gzip is read as it is, of several parts, by its first bytes and not by its name", async () => {
    const parts = Buffer.concat([gzipSync("\ufefftext,label\nfür,x\n"), gzipSync("b,y\n".repeat(70_000))]);
    for (const name of ["a.csv.gz", "a.CSV.GZ", "a.csv"]) {
      const rows = await rowsOf(name, parts);
      expect([rows.length, rows[0], rows[70_000]]).toEqual([70_001, ["für", "x"], ["b", "y"]]);
    }
    await refused(
      "a.csv.gz",
      Buffer.from("text,label\na,x\n"),
      "is not compressed with gzip; if it was unpacked, take",
    );
    const json = await rowsOf("a.jsonl.gz", gzipSync('{"text":"a","label":"x"}\n{"text":"b","label":"y"}'));
    expect(json).toEqual([
      ["a", "x"],
      ["b", "y"],
    ]);
  });

  test("of JSONL, too", async () => {
    const line = '{"text":"für","label":"x"}\n';
    await refused("a.jsonl", Buffer.from(line, "utf16le"), "is not UTF-8 but UTF-16 (little-endian)");
    await refused("a.jsonl", Buffer.from(line.repeat(3), "latin1"), "is not UTF-8 in line 1; it may be Latin-1");
  });

  test("UTF-8 with zero bytes, emoji and a byte order mark is UTF-8", async () => {
    expect(foreignEncoding(Buffer.from("\ufeffa 💩 \0 b"))).toBeUndefined();
    expect(foreignEncoding(Buffer.from("für", "latin1"))).toBeUndefined();
    expect(foreignEncoding(new Uint8Array())).toBeUndefined();
    expect(foreignEncoding(Buffer.from("text", "utf16le"))).toEqual({
      name: "UTF-16 (little-endian)",
      iconv: "UTF-16LE",
    });
    expect(await rowsOf("b.csv", "\ufefftext,label\n💩,x\nb\0,y")).toEqual([
      ["💩", "x"],
      ["b\0", "y"],
    ]);
  });

  test("a text's lines end in a newline, whatever they ended in: no word ends in a carriage return", async () => {
    expect(await rowsOf("c.csv", 'text,label\r\n"one\r\ntwo\rthree\n",x\r\nb,y\r\n')).toEqual([
      ["one\ntwo\nthree\n", "x"],
      ["b", "y"],
    ]);
    expect(await rowsOf("c.jsonl", '{"text":"one\\r\\ntwo\\rthree","label":"x"}\n{"text":"b","label":"y"}')).toEqual([
      ["one\ntwo\nthree", "x"],
      ["b", "y"],
    ]);
  });
});

test("spaces before a field in quotes do not count, as people type and programs write; elsewhere they stay", async () => {
  const content = [
    "text, label",
    '"a, b", "x"',
    'say "hi",   "y, z"',
    '  "c, ""d""",x',
    ' "e" f, x',
    ' "g, x',
    'h "i", "y, z"',
    "",
  ].join("\n");
  expect(await rowsOf("spaces.csv", content)).toEqual([
    ["a, b", "x"],
    ['say "hi"', "y, z"],
    ['c, "d"', "x"],
    [' "e" f', "x"],
    [' "g', "x"],
    ['h "i"', "y, z"],
  ]);
  expect(await rowsOf("spaces.csv", content.replaceAll("\n", "\r\n"))).toHaveLength(6);
});
