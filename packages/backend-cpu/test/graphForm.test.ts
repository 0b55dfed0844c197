/** Models of layers converted to graphs give the same bits. */
import { expectSameAsLayers } from "@ostinato/conformance";
import { inWorker } from "@ostinato/core/worker";
import { test } from "vitest";
import { cpu } from "../src/index.ts";
import { startWorker } from "./worker/start.ts";

test("models train and predict as graphs to the bits that they have as layers", async () => {
  await expectSameAsLayers(await cpu());
});

test("in a worker, too", async () => {
  await using backend = await inWorker(startWorker("backend.worker.ts"));
  await expectSameAsLayers(backend, ["an encoder and a decoder"]);
});
