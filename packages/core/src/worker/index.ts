/** Backends in workers: `serveBackend` in the worker's file, `inWorker` where it is used. */
export type { WorkerHandle } from "./host.ts";
export { inWorker, type WorkerBackend } from "./inWorker.ts";
export { serveBackend } from "./serve.ts";
