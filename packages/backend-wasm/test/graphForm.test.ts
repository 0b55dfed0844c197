/** Models of layers turned into graphs: the bits of the layers. */
import { expectSameAsLayers } from "@ostinato/conformance";
import { test } from "vitest";
import { wasm } from "../src/index.ts";

test("models train and predict as graphs to the bits that they have as layers", async () => {
  await expectSameAsLayers(await wasm());
});
