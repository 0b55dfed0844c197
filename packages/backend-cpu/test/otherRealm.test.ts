/** Data in arrays of another realm, as a test runner's sandbox makes them: the same numbers. */
import { runInNewContext } from "node:vm";
import { type Realm, trainedIn } from "@ostinato/conformance";
import type { Backend } from "@ostinato/core";
import { expect, test } from "vitest";
import { cpu } from "../src/index.ts";

const other = runInNewContext("({ Array, Float32Array, Int32Array })") as Realm;

test.each<[name: string, create: () => Promise<Backend>]>([["cpu", async () => cpu()]])(
  "%s trains and predicts",
  async (_, create) => {
    const backend = await create();
    expect(other.Float32Array).not.toBe(Float32Array);
    expect(await trainedIn(other, backend)).toEqual(await trainedIn(globalThis, backend));
  },
);
