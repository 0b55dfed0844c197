/** What the README of the cells says: its examples run, and a short training on parity tells a cell that counts from one that cannot. */
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wasm } from "@ostinato/backend-wasm";
import { expect, test } from "vitest";
import { contenders } from "../src/cells/contenders.ts";
import { tasks } from "../src/cells/tasks.ts";
import { train } from "../src/cells/train.ts";

const cells = join(import.meta.dirname, "../../packages/cells");

/** The blocks of the README, and each line of the docstrings' examples in a block with what it needs. */
function examples(): string[] {
  const blocks = readFileSync(join(cells, "README.md"), "utf8").matchAll(/^```ts\n(.*?)^```$/gms);
  const lines = globSync("src/*.ts", { cwd: cells }).flatMap((file) =>
    [...readFileSync(join(cells, file), "utf8").matchAll(/@example\n \* (.*)\n/g)].map(([, line = ""]) => line),
  );
  expect(lines.length).toBe(6);
  const names = [...new Set(lines.flatMap((line) => line.match(/\b(min|s|\w+L)(Gru|Lstm|stm)(?=\()/g) ?? []))];
  expect(names).toHaveLength(6);
  const header = `import { dense, input, rnn, sequential } from "@ostinato/core";\nimport { ${names.join(", ")} } from "@ostinato/cells";\n`;
  return [...[...blocks].map(([, code = ""]) => code), header + lines.map((line) => `{ ${line} }`).join("\n")];
}

test("the examples run", () => {
  const runs = join(import.meta.dirname, "../runs");
  mkdirSync(runs, { recursive: true });
  const folder = mkdtempSync(join(runs, "examples-"));
  try {
    examples().forEach((code, i) => {
      writeFileSync(join(folder, `${i}.ts`), code);
    });
    writeFileSync(
      join(folder, "all.ts"),
      examples()
        .map((_, i) => `await import("./${i}.ts");`)
        .join("\n"),
    );
    const flags = ["--conditions=@ostinato/source", "--disable-warning=ExperimentalWarning"];
    const output = execFileSync(process.execPath, [...flags, "all.ts"], { cwd: folder, encoding: "utf8" });
    // What the README's last line prints: the weights of both directions, of both cells in each, of sLSTM and of the dense layer.
    expect(output.trim()).toBe("13");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("an LSTM learns parity from rows of up to 40 bits for rows of 256, and minGRU does not", async () => {
  const short = async (cell: string, steps: number) => {
    const backend = await wasm({ threads: 1 });
    return (await train(tasks.parity, contenders[cell] as (typeof contenders)[string], { backend, seed: 1, steps }))
      .figures;
  };
  expect(tasks.parity.learned(await short("lstm", 1000))).toBe(true);
  const figures = await short("minGru", 600);
  expect(tasks.parity.learned(figures)).toBe(false);
  expect(figures["40 bits"]).toBeLessThan(0.7);
});
