/** Models of layers converted to graphs give the same bits. */
import { expectSameAsLayers } from "@ostinato/conformance";
import { test } from "vitest";
import { wasm } from "../src/index.ts";

test("models train and predict as graphs to the bits that they have as layers", async () => {
  await expectSameAsLayers(await wasm());
});
