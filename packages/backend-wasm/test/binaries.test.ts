/** The binaries in `src/binaries` are those that were made from the sources that stand in `assembly`. */
import { inflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { plain } from "../src/binaries/plain.ts";
import { relaxed } from "../src/binaries/relaxed.ts";
import { sourceHash } from "../tools/sourceHash.ts";

test("the binaries are in step with their sources (else run `pnpm assemble`)", () => {
  for (const { hash, deflated } of [relaxed, plain]) {
    expect(hash).toBe(sourceHash(inflateRawSync(Buffer.from(deflated, "base64"))));
  }
});
