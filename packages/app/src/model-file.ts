/** A trained model from a file of any kind, told by what it holds and not by its name. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Model, ReadOptions, Trained } from "@ostinato/core";
import { loadModel } from "@ostinato/core/node";

/** How a file is opened; `layers` are those of the app's own that it may have. */
export interface OpenOptions extends ReadOptions {
  /** The network for weights that come without one; such a file is refused where there is none. */
  readonly network?: () => Model;
}

/** A model out of a file. */
export interface OpenedModel {
  readonly path: string;
  readonly trained: Trained;
  /** The file held weights alone, and the network is the one that was handed in. */
  readonly weightsOnly: boolean;
  /** The bytes of an ONNX file that `exportOnnx` wrote: onnxruntime runs them as they are. */
  readonly onnx?: Uint8Array;
}

/** Opens the model of a file. @throws ModelFileError, which names the path, where it is missing, damaged, or no model */
export async function openTrained(path: string, { network: _, ...options }: OpenOptions = {}): Promise<OpenedModel> {
  return { path, trained: await loadModel(path, options), weightsOnly: false };
}

/** Tells a file from any other. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex").slice(0, 32);
}
