/** Starts workers of this folder, which import the packages' sources as the tests do. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";

export const SOURCES = "--conditions=@ostinato/source";

/** `fault`: what goes wrong in a faulty worker. */
export const startWorker = (file: string, fault?: string): Worker =>
  new Worker(join(import.meta.dirname, file), { execArgv: [SOURCES], workerData: fault });
