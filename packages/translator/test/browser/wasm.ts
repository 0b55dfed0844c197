/** Runs in a browser page: translates with the file of a model on the WebAssembly backend. */
import { wasm } from "@ostinato/backend-wasm";
import { type TranslateOptions, translator } from "@ostinato/translator";
import { toldBy } from "./told.ts";

async function byWasm(url: string, texts: readonly string[], options: TranslateOptions) {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  return toldBy(translator(bytes, { backend: await wasm({ threads: 1 }) }), texts, options);
}

export type ByWasm = typeof byWasm;
Object.assign(globalThis, { byWasm });
