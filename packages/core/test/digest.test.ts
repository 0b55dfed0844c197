/** Digests of columns. */
import { expect, test } from "vitest";
import { columnDigests } from "../src/train/data/digest.ts";

test("one number among many changes the digest, wherever it stands", () => {
  const digests = new Set<string>();
  const size = 1000;
  for (let at = -1; at < size; at++) {
    const column = {
      spec: { label: "x", dtype: "float32" as const, width: 1, widthAxis: true },
      ...{
        rows: size,
        starts: Float64Array.from({ length: size }, (_, i) => i),
        lengths: new Int32Array(size).fill(1),
      },
      ...{ data: Float32Array.from({ length: size }, (_, i) => (i === at ? 1 : 0)), ragged: false },
    };
    const dataset = { rows: size, fed: [{ feed: "x", column, leads: true }], longest: {}, weighing: {} };
    digests.add(String(columnDigests(dataset, undefined).x));
  }
  expect(digests.size).toBe(size + 1);
});
