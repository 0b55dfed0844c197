/** What is written, read and written again is the same file, byte for byte, though nothing in it but the graph says what it means. */
import { decodeOnnx, graphFromOnnx, graphToOnnx, printOnnx, type WeightType } from "@ostinato/onnx";
import { expect, test } from "vitest";
import { modelFiles, trialFiles, trialNames } from "../checker/models.ts";
import { stripped } from "./stripped.ts";

/** Ids of 64 bits are those of an export, not of its graph. */
const isPlain = (name: string): boolean => !/int64|small|states$/.test(name);

/** How a file has its weights, by its title: what is read as float32 is written in as few bits again without a loss. */
const weightsOf = (title: string): WeightType => (/float16|int8/.exec(title)?.[0] ?? "float32") as WeightType;

test.each([
  { title: "every op, layer and form of export", opset: 17, names: trialNames, least: 150 },
  { title: "every form of export at the newest operator set", opset: 22, names: [], least: 10 },
])("$title", ({ opset, names: ofTrials, least }) => {
  const trials = ofTrials.map((name) => trialFiles(name, { opset }));
  const files: Record<string, Uint8Array> = Object.assign({}, ...trials, modelFiles({ opset }));
  const names = Object.keys(files).filter(isPlain);
  expect(names.length).toBeGreaterThan(least);
  for (const title of names) {
    const first = stripped(files[title] as Uint8Array);
    const { graph, state, inputs } = graphFromOnnx(first);
    const name = decodeOnnx(first).graph?.name ?? "";
    const again = graphToOnnx(graph, state, { opset, inputs, name, weights: weightsOf(title) });
    if (Buffer.compare(first, again) === 0) continue;
    expect(printOnnx(again), title).toBe(printOnnx(first));
    expect.fail(`${title}: other bytes that print the same`);
  }
});
