/** Labels as scikit-learn's LabelEncoder numbers them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeLabels,
  encodeLabels,
  type LabelEncoder,
  labelEncoder,
  parseLabelEncoder,
  TextDataError,
  TextOptionError,
  UnknownIdError,
  UnknownLabelError,
} from "../src/index.ts";

describe("label encoder", () => {
  test("classes are sorted; the examples of scikit-learn's documentation", () => {
    const cities = labelEncoder(["paris", "paris", "tokyo", "amsterdam"]);
    expect(cities.classes).toEqual(["amsterdam", "paris", "tokyo"]);
    expect(encodeLabels(cities, ["tokyo", "tokyo", "paris"])).toEqual(Int32Array.of(2, 2, 1));
    expect(decodeLabels(cities, [2, 2, 1])).toEqual(["tokyo", "tokyo", "paris"]);

    const numbers = labelEncoder([1, 2, 2, 6]);
    expect(encodeLabels(numbers, [1, 1, 2, 6])).toEqual(Int32Array.of(0, 0, 1, 2));
  });

  test("strings in Python's order, by code point; numbers by value", () => {
    expect(labelEncoder(["😀", "\uff5e", "b", "B", "", "ab"]).classes).toEqual(["", "B", "ab", "b", "\uff5e", "😀"]);
    expect(labelEncoder([10, 9, -1]).classes).toEqual([-1, 9, 10]);
  });

  test("an unknown label is named with the known ones", () => {
    const encoder = labelEncoder(["positive", "negative"]);
    const encode = () => encodeLabels<string>(encoder, ["negative", "neutral"]);
    expect(encode).toThrow(UnknownLabelError);
    expect(encode).toThrow(
      'label "neutral" was not seen when the encoder was made; known labels: "negative", "positive"',
    );
    expect(() => encodeLabels<string>(encoder, ["constructor"])).toThrow(UnknownLabelError);
    expect(() => decodeLabels(encoder, [0, 2])).toThrow(UnknownIdError);
    expect(() => decodeLabels(encoder, [2])).toThrow("label encoder: id 2 is outside 0 to 1");
  });

  test("many known labels are not all listed", () => {
    const encoder = labelEncoder(Array.from({ length: 1000 }, (_, index) => index));
    expect(() => encodeLabels(encoder, [-1])).toThrow(/known labels: 0, 1, .*19, … \(1000 in all\)$/);
  });

  test("labels of two kinds, or of none", () => {
    expect(() => labelEncoder<string | number>(["a", 1])).toThrow(TextOptionError);
    const problems: [label: unknown, found: string, way: string][] = [
      [Number.NaN, "NaN", "leave out rows without a label"],
      [null, "null", "leave out rows without a label"],
      [undefined, "undefined", "leave out rows without a label"],
      [true, "true", "labels.map(String) makes them strings"],
      [1n, "the bigint 1n", "labels.map(String) makes them strings"],
      ["a", '"a"', "labels.map(String) makes them strings"],
      [{}, "an object", "name each class by a string"],
    ];
    for (const [label, found, way] of problems) {
      const labels = [1, label] as number[];
      expect(() => labelEncoder(labels)).toThrow(
        `labels must be all strings or all finite numbers, got ${found}; ${way}`,
      );
    }
    expect(() => labelEncoder("abc")).toThrow("labels must be a list of labels");
  });

  test("decoding gives back what was encoded, also after a way through JSON", () => {
    const labels = fc.oneof(
      fc.array(fc.string({ unit: "binary" }), { minLength: 1 }),
      fc.array(fc.integer(), { minLength: 1 }),
    );
    fc.assert(
      fc.property(labels, (labels: (string | number)[]) => {
        const encoder = labelEncoder(labels);
        const read = parseLabelEncoder(JSON.parse(JSON.stringify(encoder)));
        expect(decodeLabels(read, encodeLabels(encoder, labels))).toEqual(labels);
      }),
    );
  });

  test.each([
    [null, "labelEncoder must be an object, got null"],
    [{ classes: "ab" }, 'labelEncoder.classes must be an array, got "ab"'],
    [{ classes: ["a", {}] }, "labelEncoder.classes[1] must be a string or a finite number, got an object"],
    [{ classes: ["a", "a"] }, 'labelEncoder.classes[1] repeats labelEncoder.classes[0]: "a"'],
    [{ classes: ["b", "a"] }, 'labelEncoder.classes[0] is out of order: "b"'],
    [{ classes: ["a", 1] }, "labelEncoder.classes cannot work: labels must be all strings"],
  ])("refuses %j", (data, message) => {
    expect(() => parseLabelEncoder(data)).toThrow(TextDataError);
    expect(() => parseLabelEncoder(data)).toThrow(message);
  });
});

test("what is no encoder, and a text in place of labels, are told", () => {
  const encoder = labelEncoder(["a", "b"]);
  for (const given of [undefined, null, ["a"], '{"classes":["a"]}'] as unknown as LabelEncoder<string>[]) {
    expect(() => encodeLabels(given, ["a"])).toThrow(
      "encoder must be what labelEncoder(labels) or parseLabelEncoder(data)",
    );
    expect(() => decodeLabels(given, [0])).toThrow("encoder must be what labelEncoder(labels)");
  }
  expect(() => encodeLabels(encoder, "ab")).toThrow('labels must be a list of labels, got "ab"');
});
