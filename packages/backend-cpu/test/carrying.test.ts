/** States that go on: rows that are read in pieces have the bits of whole rows. */
import { expectSameBits } from "@ostinato/conformance";
import { inWorker } from "@ostinato/core/worker";
import { test } from "vitest";
import { cpu } from "../src/index.ts";
import { startWorker } from "./worker/start.ts";

test("streams and stateful layers have the bits of whole rows", async () => {
  await expectSameBits(await cpu());
});

test("in a worker, too", async () => {
  await using backend = await inWorker(startWorker("backend.worker.ts"));
  await expectSameBits(backend);
});
