/** A worker with the backend that its name chooses. */
import { serveBackend } from "@ostinato/core/worker";
import { backendOf, type Choice } from "./training.ts";

declare const self: { readonly name: string };

serveBackend(() => backendOf(JSON.parse(self.name) as Choice));
