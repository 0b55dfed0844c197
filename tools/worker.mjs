/** The worker of the smoke test, with a backend in it. */
import { wasm } from "@ostinato/backend-wasm";
import { serveBackend } from "@ostinato/core/worker";

serveBackend(() => wasm());
