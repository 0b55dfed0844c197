/**
 * onnxruntime opens every file that is written, and ONNX's checker and strict shape inference accept it. The checker needs a Python with the package onnx: the
 * variable PYTHON, python3 on the path, or the system's Python.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openSession } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import { type Files, modelFiles, trialFiles, trialNames } from "./models.ts";

const run = promisify(execFile);

async function pythonWithOnnx(): Promise<string | undefined> {
  for (const python of [process.env.PYTHON, "python3", "/usr/bin/python3"]) {
    if (python !== undefined && (await run(python, ["-c", "import onnx"]).catch(() => undefined))) return python;
  }
  return undefined;
}

const python = await pythonWithOnnx();
if (python === undefined)
  console.info("skipped: ONNX's checker over all exports, since no Python here has the package onnx");

describe.each([17, 22])("every op, layer and form of export at opset %i", (opset) => {
  const files: Record<string, Uint8Array> = {};

  test("is written", () => {
    const written = trialNames.map((name): [string, Files] => [name, trialFiles(name, { opset })]);
    const missing = written.filter(([, made]) => Object.keys(made).length === 0);
    expect(missing.map(([name]) => name)).toEqual([]);
    Object.assign(files, ...written.map(([, made]) => made), modelFiles({ opset }));
  });

  test("is opened by onnxruntime", async () => {
    const refused: string[] = [];
    for (const [name, bytes] of Object.entries(files)) {
      const session = await openSession(bytes, { threads: 1 }).catch((error) => refused.push(`${name}: ${error}`));
      if (typeof session === "object") await session.dispose();
    }
    expect(refused).toEqual([]);
  });

  test.skipIf(python === undefined)(
    "is accepted by the checker",
    async ({ skip }) => {
      const folder = await mkdtemp(join(tmpdir(), "ostinato-checker-"));
      try {
        for (const [name, bytes] of Object.entries(files))
          await writeFile(join(folder, `${name.replace(/[^\w ,]/g, "-")}.onnx`), bytes);
        const { stdout } = await run(python as string, [join(import.meta.dirname, "check.py"), folder]);
        const { version, newest, checked, refused } = JSON.parse(stdout);
        if (newest < opset) {
          const reason = `onnx ${version} knows operator sets up to ${newest}, not ${opset}`;
          console.info(`skipped: ONNX's checker over all exports at opset ${opset}, since ${reason}`);
          skip(reason);
        }
        expect(refused).toEqual({});
        expect(checked).toBe(Object.keys(files).length);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    60_000,
  );
});
