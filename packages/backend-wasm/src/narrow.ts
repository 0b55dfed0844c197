/** What stands for `wide.ts` in pages, by the condition "browser" of `#wide` in package.json: no browser has 256-bit SIMD for the asking. */
import type { wideModule as ofNode } from "./wide.ts";

export const wideModule: typeof ofNode = async () => undefined;
