/** int64 ids, the type that tokenizers of other libraries return: same predictions, and lengths remain int32. */
import { cpu } from "@ostinato/backend-cpu";
import {
  dense,
  embedding,
  encoderDecoder,
  generate,
  gru,
  input,
  lstm,
  model,
  sequenceModel,
  sequential,
  simpleRnn,
  type Trained,
} from "@ostinato/core";
import { decodeOnnx, exportDecoding, exportOnnx, type TokenType } from "@ostinato/onnx";
import { onnxPredictor, onnxSequenceModel, openSession } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import { elementTypeOf } from "../src/file/schema.ts";
import { trainedOf } from "./models.ts";

const tokenTypes: readonly TokenType[] = ["int32", "int64"];
const rows = [[3, 1, 4], [7], [], [2, 8]];

function inputsOf(file: Uint8Array): Readonly<Record<string, string | undefined>> {
  const inputs = decodeOnnx(file).graph?.inputs ?? [];
  return Object.fromEntries(
    inputs.map(({ name = "", type }) => [name, elementTypeOf(type?.tensor?.elementType)] as const),
  );
}

test.each([17, 22])("a model of ids, features and lengths, opset %i", async (opset) => {
  const words = input({ shape: ["time"], name: "words" });
  const measured = input({ shape: ["steps", 2], name: "measured", lengths: true });
  const read = gru({ units: 3 })(embedding({ inputDim: 9, outputDim: 4, maskZero: true })(words));
  const trained = trainedOf(model([words, measured], { read, felt: simpleRnn({ units: 3 })(measured) }));
  const file = exportOnnx(trained, { tokenType: "int64", opset });
  expect(inputsOf(file)).toEqual({ words: "int64", measured: "float32", "measured/lengths": "int32" });
  const x = { words: rows, measured: rows.map((row) => row.map((id) => [id / 9, 1])) };
  await using wide = await onnxPredictor(file, { threads: 1 });
  await using plain = await onnxPredictor(exportOnnx(trained, { opset }), { threads: 1 });
  expect(await wide.predictAll(x)).toEqual(await plain.predictAll(x));
});

test("streams go on from step to step", async () => {
  const trained = trainedOf(
    sequential([
      embedding({ inputDim: 9, outputDim: 4 }),
      lstm({ units: 3, returnSequences: true }),
      dense({ units: 2 }),
    ]),
  );
  const files = tokenTypes.map((tokenType) => exportOnnx(trained, { tokenType, states: true }));
  expect(files.map((file) => inputsOf(file).input)).toEqual(tokenTypes);
  const seen = await Promise.all(
    files.map(async (file) => {
      await using exported = await onnxPredictor(file, { threads: 1 });
      await using stream = exported.stream({ batchSize: 2 });
      await stream.step([3, 8]);
      return await stream.step([1, 0]);
    }),
  );
  expect(seen[0]).toEqual(seen[1]);
});

test("models that write read int64 sources and tokens", async () => {
  const words = () => embedding({ inputDim: 9, outputDim: 4, maskZero: true });
  const made = encoderDecoder({
    sourceEmbedding: words(),
    targetEmbedding: words(),
    encoder: [lstm({ units: 5 })],
    decoder: [lstm({ units: 5 })],
  });
  const trained: Trained = trainedOf(made, 3);
  const files = exportDecoding(trained, { tokenType: "int64" });
  expect(inputsOf(files.encode as Uint8Array).source).toBe("int64");
  expect(inputsOf(files.decodeStep).token).toBe("int64");
  const options = { start: 1, end: 2, beamSize: 3, maxLength: 6 };
  const source = rows.filter((row) => row.length > 0);
  await using wide = await onnxSequenceModel(files, { threads: 1 });
  await using ours = await sequenceModel(trained, { backend: await cpu() });
  const tokens = async (writer: typeof ours) =>
    (await generate(writer, { source }, options)).map((best) => best.map((each) => [...each.tokens]));
  expect(await tokens(wide)).toEqual(await tokens(ours));
});

test("ids from a session are converted, and those that the table does not have are refused", async () => {
  const trained = trainedOf(sequential([embedding({ inputDim: 9, outputDim: 4 }), gru({ units: 3 })]));
  const session = await openSession(exportOnnx(trained, { tokenType: "int64" }), { threads: 1 });
  expect(session.inputs).toEqual([{ name: "input", dtype: "int64", shape: ["batch", "time"] }]);
  const run = (ids: readonly number[], { run } = session) =>
    run({ input: { dtype: "int32", shape: [1, ids.length], data: Int32Array.from(ids) } });
  const narrow = await openSession(exportOnnx(trained), { threads: 1 });
  expect(await run([3, 8])).toEqual(await run([3, 8], narrow));
  for (const id of [-1, 9]) await expect(run([3, id])).rejects.toThrow(`must be an id from 0 to 8`);
  await session.dispose();
  await narrow.dispose();
});

test("another type is refused", () => {
  const trained = trainedOf(sequential([embedding({ inputDim: 9, outputDim: 4 }), gru({ units: 3 })]));
  expect(() => exportOnnx(trained, { tokenType: "uint8" } as never)).toThrow(
    /exportOnnx: tokenType must be one of int32, int64, got "uint8"/,
  );
});
