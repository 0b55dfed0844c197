/** The main entry in a page: bundled, it has nothing of Node.js in it, and answers with what every page has. */
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { type Classification, textClassifier } from "@ostinato/classifier";
import { toBytes } from "@ostinato/core";
import { build } from "vite";
import { expect, test } from "vitest";
import { trainedClassifier } from "./models.ts";

test("a bundle of the main entry answers as in Node.js, without its modules and globals", async () => {
  const result = await build({
    configFile: false,
    root: import.meta.dirname,
    logLevel: "error",
    resolve: { conditions: ["@ostinato/source", "browser", "import", "default"] },
    build: {
      write: false,
      minify: false,
      target: "es2022", // has no `await using`, as some browsers
      lib: { entry: join(import.meta.dirname, "page", "answer.ts"), formats: ["iife"], name: "page", fileName: "page" },
    },
  });
  const [first] = Array.isArray(result) ? result : [result];
  if (first === undefined || !("output" in first)) throw new Error("vite watches instead of building");
  const { code, imports, dynamicImports } = first.output[0];
  expect([...imports, ...dynamicImports]).toEqual([]);

  const texts = ["the good film", "dull and cold", ""];
  const trained = await trainedClassifier(1);
  await using classifier = await textClassifier(trained);
  const page = createContext({ TextEncoder, TextDecoder, MessageChannel, performance, bytes: toBytes(trained), texts });
  const answers: Classification[] = await runInContext(`${code}\npage.answer(bytes, texts)`, page);
  // Objects of the page have other prototypes.
  expect(JSON.parse(JSON.stringify(answers))).toEqual(await classifier.classify(texts));
});
