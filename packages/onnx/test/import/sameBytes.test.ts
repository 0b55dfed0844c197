/** What is written, read and written again is the same file, byte for byte, though nothing in it but the graph says what it means. */
import { decodeOnnx, graphFromOnnx, graphToOnnx, printOnnx } from "@ostinato/onnx";
import { expect, test } from "vitest";
import { modelFiles, trialFiles, trialNames } from "../checker/models.ts";
import { stripped } from "./stripped.ts";

/** Weights in fewer bits, and ids of 64, are those of an export, not of its graph. */
const isPlain = (name: string): boolean => !/float16|int8|int64|small|states$/.test(name);

test.each([17, 22])("every op, layer and form of export at opset %i", (opset) => {
  const trials = trialNames.map((name) => trialFiles(name, { opset }));
  const files: Record<string, Uint8Array> = Object.assign({}, ...trials, modelFiles({ opset }));
  const names = Object.keys(files).filter(isPlain);
  expect(names.length).toBeGreaterThan(150);
  for (const title of names) {
    const first = stripped(files[title] as Uint8Array);
    const { graph, state, inputs } = graphFromOnnx(first);
    const name = decodeOnnx(first).graph?.name ?? "";
    const again = graphToOnnx(graph, state, { opset, inputs, name });
    if (Buffer.compare(first, again) === 0) continue;
    expect(printOnnx(again), title).toBe(printOnnx(first));
    expect.fail(`${title}: other bytes that print the same`);
  }
});
