/** Models on disk. */
import { readFile } from "node:fs/promises";
import { fromBytes, ModelFileError, type Trained, toBytes } from "../index.ts";
import { writeFileAtomic } from "./atomic.ts";
import { reasonOf } from "./reasons.ts";

const ABSENT = "there is no such file; train a model first, or check the path";

/**
 * Writes a model file, whole or not at all; the folder is made where it is missing.
 *
 * @throws ModelFileError, which names the path, where it cannot be written; what was there before is still there
 */
export async function saveModel(path: string, trained: Trained): Promise<void> {
  const bytes = toBytes(trained);
  await writeFileAtomic(path, bytes).catch((error: unknown) => {
    throw new ModelFileError(`cannot write the model ${path}: ${reasonOf(error, "its folder cannot be made")}`);
  });
}

/**
 * Reads a model file.
 *
 * @throws ModelFileError, which names the path, where the file is missing, damaged or of another kind
 */
export async function loadModel(path: string): Promise<Trained> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new ModelFileError(`cannot read the model ${path}: ${reasonOf(error, ABSENT)}`);
  });
  try {
    return fromBytes(bytes);
  } catch (error) {
    if (error instanceof ModelFileError) throw new ModelFileError(`cannot read the model ${path}: ${error.message}`);
    throw error;
  }
}
