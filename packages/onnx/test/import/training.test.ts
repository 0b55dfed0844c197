/** An imported export trains like the original with a fresh optimizer, to the last bit. */
import { cpu } from "@ostinato/backend-cpu";
import { expectSameAsLayers } from "@ostinato/conformance";
import { exportOnnx, importOnnx } from "@ostinato/onnx";
import { expect, test } from "vitest";
import { stripped } from "./stripped.ts";

test("the graphs of files without metadata", async () => {
  await expectSameAsLayers(await cpu(), undefined, (trained) => {
    const file = stripped(exportOnnx(trained));
    const form = importOnnx(file);
    expect(Buffer.compare(exportOnnx(form), file)).toBe(0);
    return form;
  });
});
