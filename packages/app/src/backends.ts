/** The backends by name: the one place that chooses. Each is loaded when it is asked for, and not before. */
import type { Backend } from "@ostinato/core";

/** What a backend may be told. */
export interface BackendOptions {
  /** For wasm; by default the cores, up to 8. */
  readonly threads?: number;
}

export const backends = {
  wasm: async ({ threads }: BackendOptions): Promise<Backend> => {
    const { wasm } = await import("@ostinato/backend-wasm");
    return wasm(threads === undefined ? {} : { threads });
  },
  cpu: async (): Promise<Backend> => {
    const { cpu } = await import("@ostinato/backend-cpu");
    return cpu();
  },
  tfjs: async (): Promise<Backend> => {
    const tf = await quietTfjs();
    await import("@tensorflow/tfjs-backend-cpu");
    const { tfjs } = await import("@ostinato/backend-tfjs");
    return tfjs(tf, { backend: "cpu" });
  },
  "tfjs-wasm": async (): Promise<Backend> => {
    const tf = await quietTfjs();
    await import("@tensorflow/tfjs-backend-wasm");
    const { tfjs } = await import("@ostinato/backend-tfjs");
    return tfjs(tf, { backend: "wasm" });
  },
} satisfies Record<string, (options: BackendOptions) => Promise<Backend>>;

/** tfjs without its advice to install a native build. */
async function quietTfjs() {
  const tf = await import("@tensorflow/tfjs-core");
  tf.enableProdMode();
  return tf;
}

export type BackendName = keyof typeof backends;
export const backendNames = Object.keys(backends) as BackendName[];

/** Trained models also run in onnxruntime, by way of an ONNX export in memory. */
export type RuntimeName = BackendName | "onnx";
export const runtimeNames: readonly RuntimeName[] = [...backendNames, "onnx"];
