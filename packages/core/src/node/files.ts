/** Models on disk. */
import { readFile } from "node:fs/promises";
import { fromBytes, ModelFileError, type Trained, toBytes } from "../index.ts";
import { writeFileAtomic } from "./atomic.ts";

/** Writes a model file, whole or not at all; the folder is made where it is missing. */
export async function saveModel(path: string, trained: Trained): Promise<void> {
  await writeFileAtomic(path, toBytes(trained));
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file; train a model first, or check the path";
  if (code === "EISDIR") return "this is a folder; name the model file in it";
  if (code === "EACCES" || code === "EPERM") return "the file may not be read";
  return error instanceof Error ? error.message : String(error);
}

/**
 * Reads a model file.
 *
 * @throws ModelFileError, which names the path, where the file is missing, damaged or of another kind
 */
export async function loadModel(path: string): Promise<Trained> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new ModelFileError(`cannot read the model ${path}: ${reasonOf(error)}`);
  });
  try {
    return fromBytes(bytes);
  } catch (error) {
    if (error instanceof ModelFileError) throw new ModelFileError(`cannot read the model ${path}: ${error.message}`);
    throw error;
  }
}
