/** The requirements of models on their data, found in their graphs. */
import { describe, expect, test } from "vitest";
import {
  concatenate,
  dataRules,
  dense,
  embedding,
  globalMaxPooling1d,
  input,
  lstm,
  masking,
  model,
  sequential,
} from "../src/index.ts";

const ids = (inputDim: number, maskZero: boolean) => embedding({ inputDim, outputDim: 3, maskZero });

describe("dataRules", () => {
  test("ids have the rows of their table; where 0 is padding, rows may end there", () => {
    const masked = sequential([ids(7, true), lstm({ units: 2 }), dense({ units: 1 })]);
    expect(dataRules(masked.spec)).toEqual({ input: { inputDim: 7, padding: 0, cut: true } });
    const plain = sequential([ids(7, false), lstm({ units: 2 })]);
    expect(dataRules(plain.spec)).toEqual({ input: { inputDim: 7, cut: false } });
  });

  test("each input has its own; of a table of two the smaller, of features none", () => {
    const [words, tags] = [input({ shape: ["time"], name: "words" }), input({ shape: ["time"], name: "tags" })];
    const facts = input({ shape: [4], name: "facts" });
    const read = lstm({ units: 2 })(concatenate()([ids(9, true)(words), ids(5, true)(words), ids(6, true)(tags)]));
    const { spec } = model([words, tags, facts], concatenate()([read, facts]));
    expect(dataRules(spec)).toEqual({
      words: { inputDim: 5, padding: 0, cut: true },
      tags: { inputDim: 6, padding: 0, cut: true },
    });
  });

  test("vectors may have padding, too", () => {
    const x = input({ shape: ["time", 2], name: "x" });
    const { spec } = model(x, globalMaxPooling1d()(masking({ maskValue: -1 })(x)));
    expect(dataRules(spec)).toEqual({ x: { padding: -1, cut: true } });
  });
});
