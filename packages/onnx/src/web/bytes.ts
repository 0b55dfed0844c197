/** Downloads model files. */
import { ModelFileError } from "@ostinato/core";
import { bytesOf, type ModelFile } from "../runtime/bytes.ts";

async function fetched(url: string): Promise<Uint8Array> {
  const refused = (reason: string, cause?: unknown): ModelFileError =>
    new ModelFileError(`cannot read the model ${url}: ${reason}`, { cause });
  try {
    const response = await fetch(url);
    if (!response.ok) throw refused(`the server responded with ${response.status} ${response.statusText}`.trim());
    // Servers of single-page apps return the page for unknown paths.
    if (/^text\/html\b/i.test(response.headers.get("Content-Type") ?? ""))
      throw refused("the server responded with an HTML page (text/html), so the file probably does not exist");
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw error instanceof ModelFileError ? error : refused(String(error), error);
  }
}

/** The bytes of a model. @throws ModelFileError that names the URL; ConfigError for values that are neither bytes nor a URL */
export const bytesOfUrl = (model: ModelFile): Promise<Uint8Array> =>
  bytesOf(model, "URL", (place) => fetched(typeof place === "string" ? place : place.href));
