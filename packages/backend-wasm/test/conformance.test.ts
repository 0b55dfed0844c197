/** The suite that every backend must pass: in full as users get it, and of it what can differ with either SIMD and other numbers of threads. */
import { suiteTestNames, testBackend } from "@ostinato/conformance";
import { expect, test } from "vitest";
import { wasm } from "../src/index.ts";
import { differs, others, usual } from "./variants.ts";

testBackend({ name: (await wasm(usual)).name, create: () => wasm(usual) });

for (const options of others(1, 2)) {
  const { name } = await wasm(options);
  testBackend({ name, create: () => wasm(options), only: differs(options), trials: 3 });
}

test("what can differ is every kernel of the module on one thread, and on more those that share small sizes", () => {
  const on = (threads: number): string[] => suiteTestNames().filter(differs({ simd: "auto", threads }));
  expect(on(1)).toEqual(
    expect.arrayContaining(["ops > exp", "ops > gather", "signed zeros > neg", "whole numbers > add"]),
  );
  expect(on(1)).not.toContain("ops > reverseSequence");
  expect(on(3)).toEqual(expect.arrayContaining(["ops > dot", "ops > dot, larger than a block", "ops > lstmGrad"]));
  expect(on(3)).not.toContain("ops > exp");
  expect(on(2)).toEqual(on(3));
});
