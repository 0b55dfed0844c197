/** A worker with the WebAssembly backend on two threads. */
import { serveBackend } from "@ostinato/core/worker";
import { wasm } from "../../src/index.ts";

serveBackend(() => wasm({ threads: 2 }));
