/** Starts workers of this folder, which import the packages' sources as the tests do. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";

export const startWorker = (file: string): Worker =>
  new Worker(join(import.meta.dirname, file), { execArgv: ["--conditions=@ostinato/source"] });
