/** The binaries in `src/binaries` were made from the sources that stand in `assembly`. */
import { expect, test } from "vitest";
import { plain } from "../src/binaries/plain.ts";
import { relaxed } from "../src/binaries/relaxed.ts";
import { sourceHash } from "../tools/sourceHash.ts";

test("the binaries are in step with their sources (else run `pnpm assemble`)", () => {
  expect(relaxed.sources).toBe(sourceHash());
  expect(plain.sources).toBe(sourceHash());
});
