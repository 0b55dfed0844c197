/** Models on disk. */
import { modelFrom, modelPieces } from "../checkpoint/model.ts";
import { FileError, ModelFileError, type ReadOptions, type Trained } from "../index.ts";
import { knownKinds } from "../nn/registry.ts";
import { writeFileAtomic } from "./atomic.ts";
import { reasonOf, systemCode } from "./reasons.ts";
import { readSafetensors } from "./safetensorsFile.ts";

const ABSENT = "there is no such file; train a model first, or check the path";

/**
 * Writes a model file, whole or not at all; the folder is made where it is missing.
 *
 * @throws ModelFileError, which names the path, where it cannot be written; what was there before is still there
 */
export async function saveModel(path: string, trained: Trained): Promise<void> {
  const pieces = modelPieces(trained);
  await writeFileAtomic(path, pieces).catch((error: unknown) => {
    throw cannotWrite(`the model ${path}`, error);
  });
}

/** The error of a model file that the system does not let be written; its cause is the `FileError`. */
export function cannotWrite(what: string, error: unknown): unknown {
  if (!(error instanceof FileError)) return error;
  return new ModelFileError(`cannot write ${what}: ${reasonOf(error.cause, "its folder cannot be made")}`, {
    cause: error,
  });
}

/**
 * Reads a model file; it may be larger than 2 GiB. Layers and cells of one's own are handed in: `loadModel(path, { layers: [scale] })`.
 *
 * @throws ModelFileError, which names the path, where the file is missing, damaged, of another kind, or has layers of a kind that is not known
 */
export async function loadModel(path: string, options?: ReadOptions): Promise<Trained> {
  const known = knownKinds(options);
  try {
    return modelFrom(await readSafetensors(path), known);
  } catch (error) {
    if (!(error instanceof ModelFileError) && systemCode(error) === undefined) throw error;
    throw new ModelFileError(`cannot read the model ${path}: ${reasonOf(error, ABSENT)}`, { cause: error });
  }
}
