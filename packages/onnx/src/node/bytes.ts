/** Model files on disk. */
import { readFile } from "node:fs/promises";
import { ModelFileError } from "@ostinato/core";
import { bytesOf, type ModelFile } from "../runtime/bytes.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "this is a folder; name the file in it",
  EACCES: "permission denied",
};

/** The bytes of a model. @throws ModelFileError, which names the file; ConfigError for what is neither bytes nor a path */
export const bytesOfFile = (model: ModelFile): Promise<Uint8Array> =>
  bytesOf(model, "path", async (place) => {
    const path = typeof place === "string" ? place : new URL(place.href);
    try {
      return await readFile(path);
    } catch (error) {
      const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
      const reason = reasons[code] ?? String(error);
      throw new ModelFileError(`cannot read the model ${String(path)}: ${reason}`, { cause: error });
    }
  });
