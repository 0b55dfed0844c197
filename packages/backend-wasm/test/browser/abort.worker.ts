/** A worker that trains by itself, on the backend that its name chooses, until its own timer aborts the training. */
import { abortSoon, backendOf, type Choice } from "./training.ts";

declare const self: { readonly name: string; postMessage(message: unknown): void };

self.postMessage(await abortSoon(await backendOf(JSON.parse(self.name) as Choice)));
