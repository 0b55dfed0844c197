/** Recurrences are named in their rooms and in the tables, so that a new one is written there and nowhere else. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { recurrenceNames } from "@ostinato/core";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Every folder of these names is a room of recurrences. */
const rooms = ["recurrent", "cells", "trees"];

/** Tables with a row for each recurrence, and the lists of public names. */
const tables = [
  "packages/core/src/index.ts",
  "packages/conformance/src/index.ts",
  "packages/core/src/ir/recurrences.ts",
  "packages/backend-cpu/src/index.ts",
  "packages/backend-wasm/src/kernels/table.ts",
  "packages/backend-wasm/src/protocol.ts",
  "packages/backend-wasm/assembly/index.ts",
  "packages/backend-wasm/assembly/protocol.ts",
];

const sources = globSync(
  ["packages/{core,backend-*,onnx,conformance}/src/**/*.ts", "packages/backend-wasm/assembly/**/*.ts"],
  {
    cwd: root,
    // Base64, not text.
    exclude: ["**/binaries/**"],
  },
).map((path) => path.replaceAll("\\", "/"));

/** A name by itself, as part of an identifier, or in capitals: `gru`, "GRUs", `drawGruOptions`. */
const patterns = recurrenceNames.map((name) => {
  const capital = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return [name, new RegExp(`(?:(?<![A-Za-z])${name}|${capital})s?(?![a-z])|${name.toUpperCase()}`)] as const;
});

const namedIn = (text: string): string[] => patterns.flatMap(([name, pattern]) => (pattern.test(text) ? [name] : []));

const linesIn = (path: string): string[] => readFileSync(join(root, path), "utf8").split("\n");

test("names are found in code and in comments, whole or in part of a word", () => {
  const lines = [
    "lstmGrad(x)",
    "// as in an LSTM",
    "drawGruOptions",
    "simpleRnn",
    "some GRUs",
    "supportsLstm",
    "GRUCell",
  ];
  expect(lines.flatMap(namedIn)).toEqual(["lstm", "lstm", "gru", "rnn", "gru", "lstm", "gru"]);
  expect(["congruent", "returns", "Grumble"].flatMap(namedIn)).toEqual([]);
});

test("no other file names a recurrence", () => {
  expect(sources.length).toBeGreaterThan(200);
  const others = sources.filter(
    (path) => !path.split("/").some((folder) => rooms.includes(folder)) && !tables.includes(path),
  );
  const found = others.flatMap((path) =>
    linesIn(path).flatMap((line, i) => namedIn(line).map((name) => `${path}:${i + 1}: ${name}`)),
  );
  expect(found).toEqual([]);
});

test("each table names one", () => {
  expect(tables.filter((path) => namedIn(linesIn(path).join("\n")).length === 0)).toEqual([]);
});
