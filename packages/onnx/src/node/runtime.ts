/** onnxruntime-node, an optional peer: loaded when the first predictor is made. */
import { ConfigError } from "@ostinato/core";

/** The part of onnxruntime-node that is used here. */
export type Runtime = typeof import("onnxruntime-node");

function isMissing(error: unknown): boolean {
  // Not instanceof Error: that of a test runner's sandbox is another than Node's.
  return typeof error === "object" && error !== null && "code" in error && /MODULE_NOT_FOUND/.test(String(error.code));
}

/**
 * What is thrown for a failed run. onnxruntime makes its results in Node's own realm and then refuses them in a sandbox with other typed
 * arrays, as Jest's is: a `ConfigError` says what to do.
 */
export function runFailure(error: unknown): unknown {
  if (!/ tensor's data must be type of /.test(String(error))) return error;
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
export async function loadRuntime(load: () => Promise<unknown> = () => import("onnxruntime-node")): Promise<Runtime> {
  let module: { readonly default?: unknown };
  try {
    module = (await load()) as { readonly default?: unknown };
  } catch (error) {
    const message = isMissing(error)
      ? "onnxPredictor runs on the package onnxruntime-node, which is not installed: npm install onnxruntime-node"
      : `onnxruntime-node does not load here (it has binaries for Linux with glibc, macOS and Windows): ${String(error)}`;
    throw new ConfigError(message, { cause: error });
  }
  // A CommonJS package: all of its names stand on the default export.
  return (module.default ?? module) as Runtime;
}
