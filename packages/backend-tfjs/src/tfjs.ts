/** The part of tfjs that this package uses, as types of its own: what the app hands in must have it, and nothing of tfjs is imported. */

/** A tensor as tfjs's kernels see it: where its data is, and what shape it has. */
export interface TensorInfo {
  readonly dataId: object;
  readonly shape: number[];
  readonly dtype: "float32" | "int32" | "bool" | "complex64" | "string";
}

/** What tfjs's backends take in and give back. */
export type HostData = Float32Array | Int32Array | Uint8Array;

/** What a kernel is told besides its inputs. */
export type KernelAttrs = Record<string, number | boolean | string | number[] | number[][]>;

/** A kernel as tfjs registers it. */
export interface KernelConfig {
  kernelFunc(call: {
    inputs: Record<string, TensorInfo>;
    attrs: KernelAttrs;
    backend: object;
  }): TensorInfo | TensorInfo[];
  setupFunc?(backend: object): void;
}

/** A backend instance of tfjs: it holds the data. */
export interface KernelBackend {
  write(values: HostData, shape: number[], dtype: "float32" | "int32" | "bool"): object;
  read(dataId: object): Promise<unknown>;
  readSync(dataId: object): unknown;
  incRef(dataId: object): void;
  disposeData(dataId: object): boolean;
  dispose(): void;
}

/** The namespace of `@tensorflow/tfjs-core`: `import * as tf from "@tensorflow/tfjs-core"`. */
export interface Tfjs {
  getBackend(): string;
  ready(): Promise<void>;
  getKernel(kernelName: string, backendName: string): KernelConfig | undefined;
  getKernelsForBackend(backendName: string): KernelConfig[];
  engine(): {
    readonly registry: Record<string, KernelBackend>;
    findBackendFactory(name: string): (() => KernelBackend | Promise<KernelBackend>) | null;
  };
}
