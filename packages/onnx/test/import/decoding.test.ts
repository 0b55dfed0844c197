/** The two files of a sequence model, imported as the original model. */
import { cpu } from "@ostinato/backend-cpu";
import { minGru } from "@ostinato/cells";
import { ConfigError, compile, ModelFileError, sgd, sparseCategoricalCrossentropy, type Trained } from "@ostinato/core";
import { type DecodingFiles, decodeOnnx, exportDecoding, exportOnnx, importDecoding } from "@ostinato/onnx";
import { describe, expect, test } from "vitest";
import { encodeOnnx } from "../../src/file/wire.ts";
import { writers } from "../writers.ts";

const own = { layers: [minGru] };
const names = Object.keys(writers);

async function trainedOf(name: string, seed = 5): Promise<Trained> {
  const model = (writers[name] as (typeof writers)[string])();
  const losses = model.spec.outputs.map(({ name: output }, i) => [
    output,
    i === 0 ? sparseCategoricalCrossentropy() : null,
  ]);
  await using trainer = await compile(model, {
    backend: await cpu(),
    loss: Object.fromEntries(losses),
    optimizer: sgd({ learningRate: 0.1 }),
    seed,
  });
  return trainer.snapshot({ vocabulary: ["a", "b"], metadata: { kind: name } });
}

describe.each(names)("%s", (name) => {
  test("comes back with its layers, weights, vocabulary and metadata, from every form of the files", async () => {
    const trained = await trainedOf(name);
    const plain = JSON.parse(JSON.stringify(trained.spec));
    for (const options of [{}, { opset: 22 }, { tokenType: "int64" }] as const) {
      const { spec, ...rest } = importDecoding(exportDecoding(trained, options), own);
      expect(JSON.parse(JSON.stringify(spec))).toEqual(plain);
      expect(rest).toEqual({ weights: trained.weights, vocabulary: ["a", "b"], metadata: { kind: name } });
    }
    const small = importDecoding(exportDecoding(trained, { weights: "int8" }), own);
    expect(Object.keys(small.weights)).toEqual(Object.keys(trained.weights));
    expect(exportDecoding(small)).toEqual(exportDecoding(importDecoding(exportDecoding(small), own)));
  });
});

describe("what are no two halves", () => {
  /** The file with something else in its first initializer of several numbers. */
  const changed = (bytes: Uint8Array): Uint8Array => {
    const model = decodeOnnx(bytes);
    const [node] = (model.graph?.nodes ?? []).filter(({ op }) => op === "Tanh");
    if (node) Object.assign(node, { op: "Sigmoid" });
    else throw new Error("nothing to change");
    return encodeOnnx(model);
  };

  test("another model's, in each other's place, alone, whole models, damaged and changed ones", async () => {
    const files = exportDecoding(await trainedOf(names[1] as string));
    const other = exportDecoding(await trainedOf(names[1] as string, 6));
    const refused = (
      given: unknown,
      message: RegExp,
      kind: typeof ModelFileError | typeof ConfigError = ModelFileError,
    ) => {
      const read = () => importDecoding(given as DecodingFiles, own);
      expect(read).toThrow(message);
      expect(read).toThrow(kind);
    };
    refused({ ...files, encode: other.encode }, /belong to different models/);
    refused({ encode: files.decodeStep, decodeStep: files.encode }, /is the other file/);
    refused({ decodeStep: files.decodeStep }, /encode is missing/);
    refused(
      { ...files, decodeStep: exportOnnx(await trainedOf(names[1] as string)) },
      /is not one of the two files of a sequence model/,
    );
    refused({ ...files, encode: files.encode?.subarray(0, 200) }, /./);
    refused(files.decodeStep, /takes the bytes of both files/, ConfigError);
    expect(() => importDecoding(files, { layer: [] } as object)).toThrow(ConfigError);
    refused({ ...files, encode: changed(files.encode as Uint8Array) }, /the graph of the file encode differs/);
  });
});
