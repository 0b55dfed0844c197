/** The kinds of files, as their metadata names them. */
import { ModelFileError } from "../errors.ts";

/** What `format` in the metadata says. */
export const formats = { model: "ostinato-model", checkpoint: "ostinato-checkpoint" } as const;

const readers = {
  model: "loadModel (or fromBytes) reads it",
  checkpoint: "loadCheckpoint (or checkpointFromBytes) reads it, for fit to go on with",
} as const;

/** @throws ModelFileError where a file is of another kind; of one that is known, it says what reads it */
export function expectFormat(wanted: keyof typeof formats, found: string | undefined): void {
  if (found === formats[wanted]) return;
  const other = wanted === "model" ? "checkpoint" : "model";
  throw new ModelFileError(
    found === formats[other]
      ? `this is a ${other} of Ostinato, not a ${wanted}: ${readers[other]}`
      : `this safetensors file is not a ${wanted} of Ostinato: it does not say so in its metadata`,
  );
}
