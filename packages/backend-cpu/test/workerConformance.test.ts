/** The suite that every backend must pass, with the backend in a worker. */
import { testBackend } from "@ostinato/conformance";
import { inWorker, type WorkerBackend } from "@ostinato/core/worker";
import { afterAll } from "vitest";
import { startWorker } from "./worker/start.ts";

let backend: WorkerBackend | undefined;
testBackend({
  name: "cpu in a worker",
  trials: 2,
  create: async () => {
    backend = await inWorker(startWorker("backend.worker.ts"));
    return backend;
  },
});
afterAll(() => backend?.dispose());
