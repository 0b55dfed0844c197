/** The classifier of the main entry, from a file of either kind, on a backend or in onnxruntime. */
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Backend, ConfigError, ModelFileError, type ReadOptions, type Trained } from "@ostinato/core";
import { loadModel } from "@ostinato/core/node";
import { textClassifier as classifierOf, classifierOver, type TextClassifier, trainedFrom } from "../classifier.ts";
import { isOnnx } from "../onnxBytes.ts";

/** Options of `textClassifier` for a file; `layers` are those of one's own that the model has, as for `loadModel`. */
export interface FileClassifierOptions extends ReadOptions {
  /**
   * What computes. Default `await cpu()`, which runs anywhere; `await wasm()` is much faster. `"onnx"` is onnxruntime-node, on an export in memory
   * where the file is not ONNX; an ONNX file takes nothing else.
   */
  readonly backend?: Backend | "onnx";
}

/** The first bytes of a file; none where it cannot be read, which whoever reads it will say. */
async function startOf(path: string): Promise<Uint8Array> {
  const handle = await open(path, "r").catch(() => undefined);
  if (handle === undefined) return new Uint8Array();
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(9), 0, 9, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return new Uint8Array();
  } finally {
    await handle.close();
  }
}

/** Both packages are optional peers. @throws ConfigError where one is not installed */
async function onnx() {
  try {
    return { ...(await import("@ostinato/onnx")), ...(await import("@ostinato/onnx/node")) };
  } catch (error) {
    throw new ConfigError("textClassifier: ONNX takes two more packages: npm install @ostinato/onnx onnxruntime-node", {
      cause: error,
    });
  }
}

async function overOnnx(model: Uint8Array | string, options: ReadOptions): Promise<TextClassifier> {
  const { onnxPredictor } = await onnx();
  const predictor = await onnxPredictor(model, options);
  try {
    return await classifierOver(predictor, async () => predictor);
  } catch (error) {
    await predictor.dispose();
    throw error;
  }
}

/**
 * Opens a text classifier: a model file that `saveModel` wrote, an ONNX file that `exportOnnx` wrote, its bytes, or a trained model. It is one of
 * `trainer.snapshot({ vocabulary, metadata: classifierMetadata({ labels, maxLength }) })`.
 *
 * @throws ModelFileError, which names the path, where the file is missing, damaged, or not that of a text classifier; ConfigError where onnxruntime-node is
 * asked for and not installed
 *
 * @example
 * await using classifier = await textClassifier("sentiment.safetensors", { backend: await wasm() });
 * const { label, probability } = await classifier.classify("A quiet, wonderful film.");
 */
export async function textClassifier(
  model: string | URL | Uint8Array | Trained,
  { backend, ...options }: FileClassifierOptions = {},
): Promise<TextClassifier> {
  const path = typeof model === "object" && model !== null && "href" in model ? fileURLToPath(model.href) : model;
  try {
    if (typeof path === "string" ? isOnnx(await startOf(path)) : isOnnx(path)) {
      if (backend !== undefined && backend !== "onnx")
        throw new ConfigError("textClassifier: an ONNX file runs in onnxruntime; leave the backend out");
      return await overOnnx(path as Uint8Array | string, options);
    }
    const own = typeof path === "string" ? await loadModel(path, options) : path;
    if (backend !== "onnx") return await classifierOf(own, backend === undefined ? options : { backend, ...options });
    const { exportOnnx } = await onnx();
    return await overOnnx(exportOnnx(trainedFrom(own, options)), options);
  } catch (error) {
    if (typeof path !== "string" || !(error instanceof ModelFileError) || error.message.includes(path)) throw error;
    throw new ModelFileError(`${path}: ${error.message}`, { cause: error });
  }
}
