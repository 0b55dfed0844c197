/** Gets a backend of tfjs going beside whatever backend the app has active, which stays as it is. */
import { ConfigError } from "@ostinato/core";
import type { KernelBackend, Tfjs } from "./tfjs.ts";

/** The backends of tfjs that programs can run on. */
export type TfjsBackendName = "cpu" | "wasm" | "webgl" | "webgpu";

async function start(name: string, factory: () => KernelBackend | Promise<KernelBackend>): Promise<KernelBackend> {
  try {
    return await factory();
  } catch (error) {
    const reason = error instanceof Object && "message" in error ? error.message : error;
    throw new ConfigError(`tfjs could not start its backend "${name}": ${reason}`, { cause: error });
  }
}

/**
 * The instance of the backend that the app uses too, or will use: kernels in WebAssembly are tied to the last one that was set up. It is
 * started by its factory and not by `tf.setBackend` or `tf.findBackend`, during which the app could run nothing else.
 */
export async function connect(tf: Tfjs, name: TfjsBackendName): Promise<KernelBackend> {
  if (tf.getBackend() === name) await tf.ready();
  const engine = tf.engine();
  let backend = engine.registry[name];
  if (backend === undefined) {
    const factory = engine.findBackendFactory(name);
    if (factory === null) {
      throw new ConfigError(
        `tfjs has no backend "${name}": import "@tensorflow/tfjs-backend-${name}" before calling tfjs(tf, { backend: "${name}" })`,
      );
    }
    const started = await start(name, factory);
    backend = engine.registry[name];
    if (backend === undefined) {
      engine.registry[name] = started;
      backend = started;
    } else {
      started.dispose();
    }
  }
  for (const kernel of tf.getKernelsForBackend(name)) kernel.setupFunc?.(backend);
  return backend;
}
