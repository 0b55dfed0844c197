/** Run Ostinato programs on TensorFlow.js kernels: cpu, wasm. */
/// <reference lib="esnext.disposable" preserve="true" />
import { type Backend, isComposite, type Tensors, UnsupportedOpError } from "@ostinato/core";
import { connect, type TfjsBackendName } from "./connect.ts";
import { Device } from "./device.ts";
import { kernels } from "./kernels/table.ts";
import { TfjsSession } from "./session.ts";
import type { Tfjs } from "./tfjs.ts";

export type { TfjsBackendName } from "./connect.ts";
export type { TfjsSession } from "./session.ts";
export type { HostData, KernelBackend, KernelConfig, TensorInfo, Tfjs } from "./tfjs.ts";

export interface TfjsOptions {
  /** The backend of tfjs to run on, whichever the app has active. Its package must have been imported. */
  readonly backend: TfjsBackendName;
}

/** A backend whose sessions tell how many tensors of tfjs they hold. */
export interface TfjsBackend extends Backend {
  open(state: Tensors): Promise<TfjsSession>;
}

function checkKernels(tf: Tfjs, name: TfjsBackendName): void {
  for (const [op, { needs }] of Object.entries(kernels)) {
    const missing = ["Reshape", "Concat", ...needs].find((kernel) => tf.getKernel(kernel, name) === undefined);
    if (missing === undefined) continue;
    throw new UnsupportedOpError(
      `tfjs-${name} cannot run ${op}: the kernel ${missing} is not registered; import all of "@tensorflow/tfjs-backend-${name}"`,
    );
  }
}

/**
 * Runs programs on the kernels of TensorFlow.js, without its engine: the app's active backend, its scopes and its tensors stay as they are.
 *
 * @param tf - The namespace of `@tensorflow/tfjs-core`, with the backend's package imported beside it.
 * @throws ConfigError where tfjs has no such backend, or cannot start it; UnsupportedOpError where it lacks a kernel.
 *
 * @example
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-wasm";
 * const backend = await tfjs(tf, { backend: "wasm" });
 */
export async function tfjs(tf: Tfjs, { backend: name }: TfjsOptions): Promise<TfjsBackend> {
  const backend = await connect(tf, name);
  checkKernels(tf, name);
  return {
    name: `tfjs-${name}`,
    runs: ({ op }) => !isComposite(op),
    open: async (state) => new TfjsSession(new Device(tf, name, backend), state),
  };
}
