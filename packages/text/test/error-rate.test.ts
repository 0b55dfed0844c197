/** Edit distances against the definition, and the error rates that follow from them. */
import {
  confusions,
  countEdits,
  type EditOperation,
  editOperations,
  errorRates,
  nearestReference,
  TextOptionError,
} from "@ostinato/text";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** The definition: the fewest edits, tried one after another from the ends. */
function distance(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return a.length + b.length;
  const [restA, restB] = [a.slice(0, -1), b.slice(0, -1)];
  const diagonal = distance(restA, restB) + (a.at(-1) === b.at(-1) ? 0 : 1);
  return Math.min(diagonal, distance(restA, b) + 1, distance(a, restB) + 1);
}

const tokens = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 6 });
const count = (operations: readonly EditOperation<string>[], kind: string): number =>
  operations.filter((operation) => operation.kind === kind).length;

test.each([
  ["kitten", "sitting", 3],
  ["saturday", "sunday", 3],
  ["intention", "execution", 5],
  ["", "abc", 3],
  ["abc", "", 3],
  ["", "", 0],
])("%s to %s", (a, b, errors) => {
  expect(countEdits([...a], [...b]).errors).toBe(errors);
});

test("edits are the fewest, and operations make one sequence of the other with them", () => {
  fc.assert(
    fc.property(tokens, tokens, (reference, written) => {
      const edits = countEdits(reference, written);
      expect(edits.errors).toBe(distance(reference, written));
      const operations = editOperations(reference, written);
      expect(operations.flatMap((one) => (one.kind === "insertion" ? [] : [one.reference]))).toEqual(reference);
      expect(operations.flatMap((one) => (one.kind === "deletion" ? [] : [one.written]))).toEqual(written);
      for (const one of operations)
        if (one.kind === "match" || one.kind === "substitution")
          expect(one.reference === one.written).toBe(one.kind === "match");
      expect(edits).toEqual({
        errors: operations.length - count(operations, "match"),
        substitutions: count(operations, "substitution"),
        insertions: count(operations, "insertion"),
        deletions: count(operations, "deletion"),
      });
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("tokens may be numbers in a typed array, and thousands of them take little memory", () => {
  const reference = Int32Array.from({ length: 6000 }, (_, at) => at % 7);
  const written = reference.filter((_, at) => at % 100 !== 3);
  expect(countEdits(reference, written)).toEqual({ errors: 60, substitutions: 0, insertions: 0, deletions: 60 });
});

describe("error rates", () => {
  const split = (text: string): string[] => text.split(" ").filter((word) => word !== "");
  const rates = (rows: readonly (readonly [written: string, ...references: string[]])[]) =>
    errorRates(
      rows.map(([, ...references]) => references.map(split)),
      rows.map(([written]) => split(written)),
    );

  test("are sums over rows", () => {
    expect(
      rates([
        ["HH AH L OW", "HH AH L OW"],
        ["HH EH L OW Z", "HH AH L OW"],
        ["W ER", "W ER L D"],
      ]),
    ).toEqual({
      tokenErrorRate: 4 / 12,
      sequenceErrorRate: 2 / 3,
      errors: 4,
      substitutions: 1,
      insertions: 1,
      deletions: 2,
      referenceTokens: 12,
      wrongSequences: 2,
      sequences: 3,
    });
  });

  test("are of the nearest reference, and of the shorter of two", () => {
    expect(rates([["R IY D", "R EH D", "R IY D"]])).toMatchObject({ tokenErrorRate: 0, sequenceErrorRate: 0 });
    expect(rates([["A B", "A C D E", "A C"]])).toMatchObject({ errors: 1, referenceTokens: 2 });
    const [longFirst, shortFirst] = [rates([["A B", "A B C", "A"]]), rates([["A B", "A", "A B C"]])];
    expect(longFirst).toMatchObject({ errors: 1, insertions: 1, referenceTokens: 1 });
    expect(shortFirst).toEqual(longFirst);
  });

  test("may pass 1, and have no number for what there is not", () => {
    expect(rates([["A B C", "A"]]).tokenErrorRate).toBe(2);
    expect(rates([["A", ""]]).tokenErrorRate).toBe(Number.POSITIVE_INFINITY);
    expect(rates([["", ""]])).toMatchObject({ tokenErrorRate: 0, sequenceErrorRate: 0, sequences: 1 });
    expect(rates([])).toMatchObject({ tokenErrorRate: 0, sequenceErrorRate: 0, sequences: 0 });
  });

  test("wrong arguments are typed errors that name them", () => {
    const wrong = (act: () => unknown, option: string, words: string): void => {
      expect(act).toThrow(TextOptionError);
      expect(act).toThrow(words);
      expect(act).toThrow(option);
    };
    wrong(() => errorRates([[["a"]]], []), "written", "have 1 rows");
    wrong(() => errorRates([[]], [["a"]]), "references[0]", "one reference or more");
    wrong(() => errorRates([["abc"]] as never, [["a"]]), "reference", "[...text]");
    wrong(() => editOperations(["a"], "a"), "written", "list of tokens");
  });
});

test("confusions count what stands in whose place, the most frequent first", () => {
  const references = [[["R", "EH", "D"]], [["B", "EH", "D", "Z"]], [["L", "IY"]], [["X"], ["T"]]];
  const written = [["R", "IY", "D"], ["B", "IY", "D"], ["P", "L", "IY"], ["T"]];
  expect(confusions(references, written)).toEqual([
    { reference: "EH", written: "IY", count: 2 },
    { reference: "Z", written: undefined, count: 1 },
    { reference: undefined, written: "P", count: 1 },
  ]);
});

test("the nearest reference: of equals the shorter, then the first", () => {
  const [long, short] = [["R", "EH", "D", "Z"], ["R", "IY", "D"]]; // biome-ignore format: a table
  expect(nearestReference([long, short], ["R", "EH", "D"])).toEqual({
    reference: short,
    errors: 1,
    substitutions: 1,
    insertions: 0,
    deletions: 0,
  });
  expect(nearestReference([long, short], long)).toMatchObject({ reference: long, errors: 0 });
  expect(nearestReference([["A"], ["B"]], ["C"]).reference).toEqual(["A"]);
  expect(() => nearestReference([], ["C"])).toThrow(TextOptionError);
  expect(() => nearestReference([], ["C"])).toThrow("references must be a list of one reference or more");
});
