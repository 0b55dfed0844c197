/** A model from a file of either kind, on a backend or in onnxruntime: the same for every program that answers with one. */
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Backend, ConfigError, ModelFileError, type ReadOptions, type Trained } from "@ostinato/core";
import { loadModel } from "@ostinato/core/node";
import { isOnnx } from "../onnxBytes.ts";
import { type Opener, type Over, openTrained, trainedFrom } from "../trained.ts";

/** What computes, and the layers of one's own that the model has, as for `loadModel`. */
export interface OpenModelOptions extends ReadOptions {
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
async function onnx({ name }: Opener) {
  try {
    return { ...(await import("@ostinato/onnx")), ...(await import("@ostinato/onnx/node")) };
  } catch (error) {
    throw new ConfigError(`${name}: ONNX takes two more packages: npm install @ostinato/onnx onnxruntime-node`, {
      cause: error,
    });
  }
}

async function openOnnx<T>(
  opener: Opener,
  over: Over<T>,
  model: Uint8Array | string,
  options: ReadOptions,
): Promise<T> {
  const { onnxPredictor } = await onnx(opener);
  const predictor = await onnxPredictor(model, options);
  try {
    return await over(predictor, async () => predictor);
  } catch (error) {
    await predictor.dispose();
    throw error;
  }
}

/**
 * Opens a model by its path or URL, from the bytes of its file, or a trained one, on a backend or in onnxruntime; for packages such as `@ostinato/tagger`, which make their own
 * programs `over` models.
 *
 * @throws ModelFileError, which names the path, where the file is missing, damaged, or nothing that `over` can use; ConfigError where onnxruntime-node is asked for and
 * not installed
 */
export async function openModel<T>(
  opener: Opener,
  over: Over<T>,
  model: string | URL | Uint8Array | Trained,
  { backend, ...options }: OpenModelOptions,
): Promise<T> {
  const path = typeof model === "object" && model !== null && "href" in model ? fileURLToPath(model.href) : model;
  try {
    if (typeof path === "string" ? isOnnx(await startOf(path)) : isOnnx(path)) {
      if (backend !== undefined && backend !== "onnx")
        throw new ConfigError(`${opener.name}: an ONNX file runs in onnxruntime; leave the backend out`);
      return await openOnnx(opener, over, path as Uint8Array | string, options);
    }
    const own = typeof path === "string" ? await loadModel(path, options) : path;
    if (backend !== "onnx")
      return await openTrained(opener, over, own, backend === undefined ? options : { backend, ...options });
    const trained = trainedFrom(opener, own, options);
    const { exportOnnx } = await onnx(opener);
    return await openOnnx(opener, over, exportOnnx(trained), options);
  } catch (error) {
    if (typeof path !== "string" || !(error instanceof ModelFileError) || error.message.includes(path)) throw error;
    throw new ModelFileError(`${path}: ${error.message}`, { cause: error });
  }
}
