/** Class weights by label: how they are written, what they become, and that training uses them. */

import { eventsOf } from "@ostinato/app/testing";
import { labelEncoder } from "@ostinato/text";
import { describe, expect, test } from "vitest";
import { classWeightsOf, parseClassWeight, shownClassWeights } from "../src/class-weights.ts";
import { runInside, temporaryFolder } from "./runCli.ts";
import { columns, drawnRows, writeCsv } from "./tables.ts";

describe("reading", () => {
  test.each([
    ["negative=1,positive=3", { negative: 1, positive: 3 }],
    ["positive=.5", { positive: 0.5 }],
    ["a=0,b=1e2", { a: 0, b: 100 }],
    ["yes, please=2,no=1", { "yes, please": 2, no: 1 }],
    ["a=b=2,c=1", { "a=b": 2, c: 1 }],
    ["balanced=2,other=1", { balanced: 2, other: 1 }],
  ])("%s", (text, weights) => {
    const read = parseClassWeight(text);
    expect(read).toBeInstanceOf(Map);
    expect(Object.fromEntries(read as ReadonlyMap<string, number>)).toEqual(weights);
  });

  test.each([
    ["", /"balanced", or weights by label/],
    ["Balanced", /"balanced", or weights by label/],
    ["=3", /"balanced", or weights by label/],
    ["a=1,", /"balanced", or weights by label/],
    ["a=1,b", /"balanced", or weights by label/],
    ["a=-1", /The weight of "a" must be a number from 0 on\./],
    ["a=1,b=", /The weight of "b" must/],
    ["a=one", /The weight of "a" must/],
    ["a=1e999", /The weight of "a" must/],
    ["a=1e39", /The weight of "a" must/], // infinite as a float32
    ["a=1,a=2", /"a" has two weights\./],
  ])("%j is refused", (text, message) => {
    expect(() => parseClassWeight(text)).toThrow(message);
  });
});

describe("weights", () => {
  const encoder = labelEncoder(["a", "b", "c"]);
  const labels = Int32Array.of(0, 1, 1, 2, 1, 1, 0, 1);

  test("of labels that are not named are 1", () => {
    const { weights, byLabel, setting } = classWeightsOf(parseClassWeight("c=3,b=0.5"), encoder, labels);
    expect(weights).toEqual({ 0: 1, 1: 0.5, 2: 3 });
    expect(byLabel).toEqual({ a: 1, b: 0.5, c: 3 });
    expect(setting).toBe("a=1,b=0.5,c=3");
  });

  test("may have spaces around the labels", () => {
    expect(classWeightsOf(parseClassWeight("a=2, b=3"), encoder, labels).byLabel).toEqual({ a: 2, b: 3, c: 1 });
    const spaced = classWeightsOf(parseClassWeight(" b=3,b=2"), labelEncoder([" b", "b"]), Int32Array.of(0, 1));
    expect(spaced.byLabel).toEqual({ " b": 3, b: 2 });
    expect(() => classWeightsOf(parseClassWeight("a=2, a=3"), encoder, labels)).toThrow('"a" has two weights');
  });

  test("balanced: rows / (classes · rows of the class), as in scikit-learn", () => {
    const { weights, setting } = classWeightsOf("balanced", encoder, labels);
    expect(weights).toEqual({ 0: 8 / (3 * 2), 1: 8 / (3 * 5), 2: 8 / 3 });
    expect(setting).toBe("balanced");
    expect(shownClassWeights(classWeightsOf("balanced", encoder, labels))).toBe(
      "class weights a 1.333, b 0.5333, c 2.667",
    );
  });

  test("a misspelt label is an error that names the labels, of which ten at most are shown", () => {
    expect(() => classWeightsOf(parseClassWeight("A=2"), encoder, labels)).toThrow(
      '--class-weight: there is no label "A"; the labels are "a", "b", "c"',
    );
    const many = labelEncoder(Array.from({ length: 12 }, (_, i) => `l${i}`));
    expect(() => classWeightsOf(parseClassWeight("x=2"), many, labels)).toThrow(/"l6", "l7", …$/);
  });

  test("nothing would be learned where every class weighs 0", () => {
    expect(() => classWeightsOf(parseClassWeight("a=0,b=0,c=0"), encoder, labels)).toThrow(/every class weighs 0/);
  });
});

test("the training loss is weighed, the validation's is not", async () => {
  const data = writeCsv(temporaryFolder(), drawnRows(120, 2));
  // No step changes anything to speak of.
  const still = ["--learning-rate", "1e-12", "--units", "4", "--max-words", "60", "--epochs", "1"];
  const losses = async (...options: string[]) => {
    const args = ["train", "--data", data, ...columns, ...still, "--out", temporaryFolder(), "--json", ...options];
    const { code, stdout } = await runInside(args);
    expect(code).toBe(0);
    const epoch = eventsOf(stdout).find(({ event }) => event === "epoch");
    return [Number(epoch?.loss), Number(epoch?.valLoss)] as const;
  };
  const [plain, validation] = await losses();
  const [one, sameValidation] = await losses("--class-weight", "login=0");
  const [other] = await losses("--class-weight", "billing=0");
  const [both] = await losses("--class-weight", "billing=1,login=3");
  expect(sameValidation).toBeCloseTo(validation, 6);
  expect(one + other).toBeCloseTo(plain, 6);
  expect(both).toBeCloseTo(one + 3 * other, 6);
});
