/** Texts with labels from CSV, TSV and JSONL files: as users write them, and as they go wrong. */
import { join } from "node:path";
import { labelEncoder } from "@ostinato/text";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DatasetError,
  DatasetNotFoundError,
  DatasetOptionError,
  MissingColumnError,
  readImdb,
  readImdbFolder,
  readImdbNpz,
  readImdbVocabulary,
  readTextClassification,
  readTextData,
  splitExamples,
} from "../src/index.ts";
import { folder, refused, rowsOf, written } from "./tables.ts";

describe("CSV", () => {
  test("columns by name, in any place; labels become classes in order", async () => {
    const { rows, labelEncoder } = await readTextClassification(
      written("a.csv", "id,label,text\n1,spam,Buy now\n2,ham,Hello\n3,spam,Win\n"),
    );
    expect(rows).toEqual({ texts: ["Buy now", "Hello", "Win"], labels: Int32Array.of(1, 0, 1) });
    expect(labelEncoder.classes).toEqual(["ham", "spam"]);
  });

  test("quotes, commas and line ends in a text; byte order mark; every line end; blank lines; no end of line", async () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const lines = [
        "\ufefftext,label",
        '"a ""b"", c',
        `d",x`,
        "",
        " e , y ",
        'she said "hi",x',
        '"Great" film,y',
        ",x",
      ];
      expect(await rowsOf("b.csv", lines.join(end))).toEqual([
        [`a "b", c\nd`, "x"],
        [" e ", "y"],
        ['she said "hi"', "x"],
        ['"Great" film', "y"],
        ["", "x"],
      ]);
    }
  });

  test("another delimiter, other columns, no header", async () => {
    const options = { textColumn: "body", labelColumn: "queue" };
    expect(await rowsOf("c.csv", "queue;body\na;x\nb;y", { ...options, delimiter: ";" })).toEqual([
      ["x", "a"],
      ["y", "b"],
    ]);
    expect(await rowsOf("d.csv", "a,x\nb,y", { header: false, textColumn: "2", labelColumn: "1" })).toEqual([
      ["x", "a"],
      ["y", "b"],
    ]);
  });

  test("TSV, by ending or by option", async () => {
    const content = 'text\tlabel\na, "b"\tx\n"c\td"\ty\n';
    const rows = [
      ['a, "b"', "x"],
      ["c\td", "y"],
    ];
    expect(await rowsOf("e.tsv", content)).toEqual(rows);
    expect(await rowsOf("e.txt", content, { format: "tsv" })).toEqual(rows);
  });

  test("what was written comes back, whatever the texts", async () => {
    const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[a",\r\n\t ]{0,8}$/));
    const rows = fc.array(fc.tuple(text, fc.constantFrom("x", "y")), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom(",", "\t", ";"), async (rows, delimiter) => {
        const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`;
        const all = [...rows, ["last", "x"], ["last", "y"]];
        const content = [["text", "label"], ...all].map((row) => row.map(quoted).join(delimiter)).join("\r\n");
        const read = all.map(([text = "", label]) => [text.replaceAll(/\r\n?/g, "\n"), label]);
        expect(await rowsOf("f.csv", content, { delimiter })).toEqual(read);
        expect(await rowsOf("f.csv", content)).toEqual(read);
      }),
      { numRuns: 60 },
    );
  });

  test("what goes wrong, with the line", async () => {
    await refused("g.csv", "", "is empty");
    await refused("g.csv", "\n\r\n\n", "holds nothing but empty lines");
    await refused("g.csv", "text,label\n", "has no rows");
    await refused(
      "g.csv",
      "review,sentiment\na,b",
      'has no column "text", only "review", "sentiment"; name another one with textColumn and labelColumn, or say with delimiter what is between the fields, or with header: false that there is no header',
    );
    await refused("g.csv", "text,class\na,b", 'has no column "label", only "text", "class"');
    await refused(
      "g.csv",
      "a,b",
      'has no column "text", only "1", "2" (there is no header, and columns are called by number)',
      { header: false },
    );
    await refused("g.csv", "text,label,text\na,b,c", 'has two columns "text"');
    const many = '"a\r\nb",x\r\n\r\n"c\r\n\r\n",y\r\n';
    await refused("g.csv", `text,label\r\n${many}only\r\n`, "line 8 has 1 field, the header has 2");
    await refused("g.csv", "text,label\na, b,x\n", "line 2 has 3 fields, the header has 2; put quotes around a text");
    await refused("g.csv", "text,label\na,x\nb, \n", "line 3 has no label in label");
    await refused("g.csv", "text,label\na,x\nb,x\n", 'all 2 rows have the label "x" in label: a classifier needs two');
  });

  test("a row without end stops the reading at 16 MiB", async () => {
    const content = `text,label\n${"a".repeat(17 * 2 ** 20)}`;
    await refused("h.csv", content, "the row from line 2 on is longer than 16 MiB");
  });
});

describe("JSONL", () => {
  test("an object a line; labels may be numbers or booleans; blank lines, U+2028 and a byte order mark", async () => {
    const content =
      '\ufeff{"text":"a\u2028b","label":1}\r\n\n{"label":true,"text":"c\\nd","more":[]}\n{"text":"","label":" x "}';
    expect(await rowsOf("a.jsonl", content)).toEqual([
      ["a\u2028b", "1"],
      ["c\nd", "true"],
      ["", "x"],
    ]);
  });

  test("what goes wrong, with the line", async () => {
    await refused("b.jsonl", "", "is empty");
    await refused("b.jsonl", " \n\n", "has no rows");
    await refused(
      "b.jsonl",
      '{"text":"a","label":"x"}\n{"text":"b"',
      "line 2 is not JSON; JSONL has one whole object on each line",
    );
    await refused("b.jsonl", '{"text":"a","label":"x","score":NaN}', "line 1 is not JSON; JSON has no NaN");
    await refused("b.jsonl", '[\n{"text":"a","label":"x"}]', "line 1 is not JSON; JSONL has one whole object");
    await refused("b.jsonl", "\n[1]", "line 2 is not a JSON object");
    await refused(
      "b.jsonl",
      '{"text":"a","lbl":"x"}',
      'line 1 has no field "label", only "text", "lbl"; name another one with textColumn and labelColumn',
    );
    const error = await rowsOf("b.jsonl", '{"text":"a"}').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(MissingColumnError);
    expect(error).toMatchObject({
      name: "MissingColumnError",
      column: "label",
      problem: 'line 1 has no field "label", only "text"',
    });
    await refused("b.jsonl", '{"text":7,"label":"x"}', "line 1: text is not a string");
    await refused("b.jsonl", '{"text":"a","label":null}', "line 1: label is no string, number, true or false");
    await refused("b.jsonl", '{"toString":1}', 'line 1 has no field "text"');
    await refused("b.jsonl", `{"text":"${"a".repeat(17 * 2 ** 20)}`, "line 1 is longer than 16 MiB");
  });

  test("lines and characters that the pieces of a file cut in two", async () => {
    const texts = Array.from({ length: 3000 }, (_, row) => `${"😀é".repeat(row % 60)}${row}`);
    const content = texts.map((text, row) => JSON.stringify({ text, label: row % 2 })).join("\n");
    expect(Buffer.byteLength(content)).toBeGreaterThan(2 ** 19);
    expect((await rowsOf("c.jsonl", content)).map(([text]) => text)).toEqual(texts);
    const csv = `text,label\n${texts.map((text, row) => `${text},${row % 2}`).join("\n")}`;
    expect((await rowsOf("c.csv", csv)).map(([text]) => text)).toEqual(texts);
  });
});

describe("with the classes of a model", () => {
  const classes = labelEncoder(["neg", "pos"]);

  test("labels become its ids, one class is enough", async () => {
    const path = written("a.csv", "text,label\na,pos\n");
    const read = await readTextClassification(path, { labelEncoder: classes });
    expect([...read.rows.labels]).toEqual([1]);
    expect(read.labelEncoder).toBe(classes);
  });

  test("another label is an error that names the line and the classes", async () => {
    const message = 'line 3 has the label "neutral", not one of "neg", "pos"';
    await refused("b.csv", "text,label\na,pos\nb,neutral\n", message, { labelEncoder: classes });
  });
});

test("a path without data, options that cannot work", async () => {
  await expect(readTextClassification(join(folder, "none.csv"))).rejects.toThrow(DatasetNotFoundError);
  await expect(readTextClassification(join(folder, "none.csv"))).rejects.toThrow(
    /looked for .*none\.csv; give the path of a csv, tsv, jsonl file/,
  );
  const path = written("a.txt", "text,label\na,b\n");
  const wrong = async (options: object, message: string) => {
    const error = await readTextClassification(path, options).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DatasetOptionError);
    expect(String(error)).toContain(message);
  };
  await wrong({}, "format must be csv, tsv, jsonl, or the file's name end in one");
  await wrong({ format: "xml" }, 'format must be csv, tsv, jsonl, or the file\'s name end in one, got "xml"');
  await wrong({ format: "csv", delimiter: "ab" }, "delimiter must be one character");
  await wrong({ format: "jsonl", delimiter: ";" }, 'delimiter must be left out for JSONL, got ";"');
  await wrong({ format: "jsonl", header: false }, "header must be left out for JSONL, got false");
  await wrong({ format: "csv", labelColumn: "text" }, "labelColumn must be another column than textColumn");
});

test("bytes of any kind: rows or a typed error", async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc
      .array(fc.constantFrom("text", "label", ",", '"', "\n", "\r", "a", "{", "}", ":"))
      .map((parts) => Buffer.from(parts.join(""))),
  );
  await fc.assert(
    fc.asyncProperty(bytes, fc.constantFrom("a.csv", "a.tsv", "a.jsonl"), async (bytes, name) => {
      const error = await rowsOf(name, bytes).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      if (error !== undefined) expect(error).toBeInstanceOf(DatasetError);
    }),
    { numRuns: 200 },
  );
});

test("an option that there is not is refused by every reader, with those that there are", async () => {
  const odd = (option: string) => ({ [option]: 3 }) as never;
  const path = written("options.csv", "text,label\na,x\nb,y\n");
  const { rows, labelEncoder: encoder } = await readTextClassification(path);
  const acts: [act: () => Promise<unknown>, message: string][] = [
    [
      () => readTextClassification(path, odd("textcolumn")),
      "textcolumn must be left out: readTextClassification takes format, textColumn",
    ],
    [() => readTextData(path, odd("test")), "test must be left out: readTextData takes format, textColumn"],
    [async () => splitExamples(rows, encoder, odd("validationSplit")), "splitExamples takes validation, test, seed"],
    [() => readImdb(odd("path")), "path must be left out: readImdb takes seed, shuffle, file"],
    [() => readImdbFolder(folder, odd("limit")), "limit must be left out: readImdbFolder takes seed, shuffle"],
    [() => readImdbNpz(path, odd("num_words")), "num_words must be left out: readImdbNpz takes numWords"],
    [() => readImdbVocabulary(path, odd("maxTokens")), "maxTokens must be left out: readImdbVocabulary takes numWords"],
  ];
  for (const [act, message] of acts) {
    await expect(act()).rejects.toThrow(DatasetOptionError);
    await expect(act()).rejects.toThrow(message);
  }
});
