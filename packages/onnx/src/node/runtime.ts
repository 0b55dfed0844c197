/** Loads onnxruntime-node, an optional peer dependency, when the first model is opened. */
import { ConfigError } from "@ostinato/core";
import type { Runtime, RuntimeModule } from "../runtime/runtime.ts";

function isMissing(error: unknown): boolean {
  // Not instanceof Error: that of a test runner's sandbox is another than Node's.
  return typeof error === "object" && error !== null && "code" in error && /MODULE_NOT_FOUND/.test(String(error.code));
}

/**
 * What is thrown for a failed run. onnxruntime makes its results in Node's own realm and then refuses them in a sandbox with other typed
 * arrays, as Jest's is: a `ConfigError` says what to do.
 */
export function explain(error: unknown): Error | undefined {
  if (!/ tensor's data must be type of /.test(String(error))) return undefined;
  return new ConfigError(
    "onnxruntime-node does not take the typed arrays of this sandbox, which are others than Node's (Jest makes such); its environment must share them: Object.assign(this.global, { Float32Array, Int32Array, BigInt64Array })",
    { cause: error },
  );
}

/**
 * Loads onnxruntime-node. Its install script, which fetches GPU libraries, is not needed.
 *
 * @throws ConfigError where the package is not installed, or has no binary for this platform
 */
export async function loadModule(
  load: () => Promise<unknown> = () => import("onnxruntime-node"),
): Promise<RuntimeModule> {
  let module: { readonly default?: unknown };
  try {
    module = (await load()) as { readonly default?: unknown };
  } catch (error) {
    const message = isMissing(error)
      ? "@ostinato/onnx/node requires the package onnxruntime-node, which is not installed: npm install onnxruntime-node"
      : `onnxruntime-node does not load here (it has binaries for Linux with glibc, macOS and Windows): ${String(error)}`;
    throw new ConfigError(message, { cause: error });
  }
  // A CommonJS package: all of its names stand on the default export.
  return (module.default ?? module) as typeof import("onnxruntime-node") satisfies RuntimeModule;
}

/** The runtime with the given number of threads per run. */
export async function runtimeOf(threads: number | undefined): Promise<Runtime> {
  const { Tensor, InferenceSession } = await loadModule();
  const options = threads === undefined ? {} : { intraOpNumThreads: threads };
  return { Tensor, load: (model) => InferenceSession.create(model, options), explain };
}
