/** The reference against PyTorch and Keras, far below the tolerance of single precision. */
import { evaluate, expectGolden, goldenCases } from "@ostinato/conformance";
import { expect, test } from "vitest";

/** The files keep 12 digits. */
const tight = { absolute: 1e-9, relative: 1e-9 };

for (const golden of goldenCases()) {
  test(golden.name, () => {
    const { fetches } = evaluate({ fetches: golden.fetches, updates: [] }, golden.feeds);
    expectGolden(fetches, golden, tight, tight);
  });
}

test("a golden case sees a wrong number", () => {
  const [golden] = goldenCases();
  const { fetches } = evaluate({ fetches: golden.fetches, updates: [] }, golden.feeds);
  fetches.y.data[0] += 1e-3;
  expect(() => expectGolden(fetches, golden)).toThrow(/y\[0\]/);
});
