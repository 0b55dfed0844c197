/** A model from a file of either kind, on a backend or in onnxruntime: the same for every program that answers with one. */
import { open, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Backend, ConfigError, ModelFileError, type ReadOptions, type Trained } from "@ostinato/core";
import { loadModel } from "@ostinato/core/node";
import { isOnnx } from "../onnxBytes.ts";
import { type Opener, type Over, openTrained, trainedFrom } from "../trained.ts";

/** What computes, and the layers of one's own that the model has, as for `loadModel`. */
export interface OpenModelOptions extends ReadOptions {
  /**
   * The backend. Default `await cpu()`, which runs anywhere, and onnxruntime-node for an ONNX file; `await wasm()` is much faster than `cpu`. `"onnx"` is onnxruntime-node, with an export in memory
   * if the file is not ONNX.
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

/** What `load` imports of the packages that take models to onnxruntime, which are optional peers. @throws ConfigError where one is not installed */
export async function importOnnx<T>({ name }: Opener, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
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
  const { onnxPredictor } = await importOnnx(opener, () => import("@ostinato/onnx/node"));
  const predictor = await onnxPredictor(model, options);
  try {
    return await over(predictor, async () => predictor);
  } catch (error) {
    await predictor.dispose();
    throw error;
  }
}

/** The bytes of an ONNX file. */
export async function onnxBytes(file: string | Uint8Array | URL): Promise<Uint8Array> {
  return typeof file === "object" && "byteLength" in file ? file : readFile(file);
}

/** A model by its path or URL, as the bytes of its file, or as a trained one. */
export type GivenModel = string | URL | Uint8Array | Trained;

/**
 * Hands a model on to `work`, a URL as the path that it stands for, with whether it is an ONNX file; for packages that open models in ways of their own.
 *
 * @throws whatever `work` throws, where it is a `ModelFileError` of a file with its path
 */
export async function withModel<T>(
  model: GivenModel,
  work: (model: string | Uint8Array | Trained, isOnnxFile: boolean) => Promise<T>,
): Promise<T> {
  const path = typeof model === "object" && model !== null && "href" in model ? fileURLToPath(model.href) : model;
  try {
    return await work(path, typeof path === "string" ? isOnnx(await startOf(path)) : isOnnx(path));
  } catch (error) {
    if (typeof path !== "string" || !(error instanceof ModelFileError) || error.message.includes(path)) throw error;
    throw new ModelFileError(`${path}: ${error.message}`, { cause: error });
  }
}

/** The trained model of a file that is not ONNX, of bytes, or as it is. @throws ConfigError, ModelFileError for what is none */
export async function readTrained(
  opener: Opener,
  model: string | Uint8Array | Trained,
  options: ReadOptions,
): Promise<Trained> {
  return trainedFrom(opener, typeof model === "string" ? await loadModel(model, options) : model, options);
}

/**
 * Opens a model by its path or URL, from the bytes of its file, or a trained one, on a backend or in onnxruntime; for packages such as `@ostinato/tagger`, which make their own
 * programs `over` models.
 *
 * @throws ModelFileError, which names the path, where the file is missing, damaged, or nothing that `over` can use; ConfigError where onnxruntime-node is asked for and
 * not installed
 */
export function openModel<T>(
  opener: Opener,
  over: Over<T>,
  model: GivenModel,
  { backend, ...options }: OpenModelOptions,
): Promise<T> {
  return withModel(model, async (given, isOnnxFile) => {
    if (isOnnxFile) {
      const file = given as Uint8Array | string;
      if (backend === undefined || backend === "onnx") return openOnnx(opener, over, file, options);
      const { importOnnx: imported } = await importOnnx(opener, () => import("@ostinato/onnx"));
      return openTrained(opener, over, imported(await onnxBytes(file), options), { backend, ...options });
    }
    const trained = await readTrained(opener, given, options);
    if (backend !== "onnx")
      return openTrained(opener, over, trained, backend === undefined ? options : { backend, ...options });
    const { exportOnnx } = await importOnnx(opener, () => import("@ostinato/onnx"));
    return openOnnx(opener, over, exportOnnx(trained), options);
  });
}
