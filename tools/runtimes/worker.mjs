/** The worker of the program, with a backend in it. */
import { wasm } from "@ostinato/backend-wasm";
import { serveBackend } from "@ostinato/core/worker";

serveBackend(() => wasm());
