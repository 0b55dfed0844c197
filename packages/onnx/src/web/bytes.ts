/** Model files from a server. */
import { ModelFileError } from "@ostinato/core";
import { bytesOf, type ModelFile } from "../runtime/bytes.ts";

async function fetched(url: string): Promise<Uint8Array> {
  const refused = (reason: string, cause?: unknown): ModelFileError =>
    new ModelFileError(`cannot read the model ${url}: ${reason}`, { cause });
  try {
    const response = await fetch(url);
    if (!response.ok) throw refused(`the server answers ${response.status} ${response.statusText}`.trim());
    // Servers of single pages send the page for whatever they do not have.
    if (/^text\/html\b/i.test(response.headers.get("Content-Type") ?? ""))
      throw refused("the server answers with a page (text/html); there is no such file, most likely");
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw error instanceof ModelFileError ? error : refused(String(error), error);
  }
}

/** The bytes of a model. @throws ModelFileError, which names the URL; ConfigError for what is neither bytes nor a URL */
export const bytesOfUrl = (model: ModelFile): Promise<Uint8Array> =>
  bytesOf(model, "URL", (place) => fetched(typeof place === "string" ? place : place.href));
