/** A worker with the CPU backend, as a user's file has it. */
import { serveBackend } from "@ostinato/core/worker";
import { cpu } from "../../src/index.ts";

serveBackend(() => cpu());
