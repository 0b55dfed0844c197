/** Model files on disk. */
import { readFile } from "node:fs/promises";
import { ModelFileError } from "@ostinato/core";
import { bytesOf, type ModelFile } from "../runtime/bytes.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "the file does not exist",
  EISDIR: "the path is a folder",
  EACCES: "permission denied",
};

/** The bytes of a model. @throws ModelFileError that names the file; ConfigError for values that are neither bytes nor a path */
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
