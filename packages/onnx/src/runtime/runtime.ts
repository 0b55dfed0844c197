/** The parts of onnxruntime that are used, from either onnxruntime-node or onnxruntime-web. */

/** A tensor of onnxruntime. */
export interface RuntimeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** A model loaded by onnxruntime. */
export interface RuntimeModel {
  run(feeds: Readonly<Record<string, RuntimeTensor>>): Promise<Readonly<Record<string, RuntimeTensor>>>;
  release(): Promise<void>;
}

/** Makes tensors. */
export interface TensorConstructor {
  new (type: "float32", data: Float32Array, dims: readonly number[]): RuntimeTensor;
  new (type: "int32", data: Int32Array, dims: readonly number[]): RuntimeTensor;
  new (type: "int64", data: BigInt64Array, dims: readonly number[]): RuntimeTensor;
  new (type: "bool", data: Uint8Array, dims: readonly number[]): RuntimeTensor;
}

/** A loaded and configured runtime. */
export interface Runtime {
  readonly Tensor: TensorConstructor;
  /** Loads a model from its bytes. */
  load(model: Uint8Array): Promise<RuntimeModel>;
  /** Replaces an error, if this package has a better explanation. */
  explain?(error: unknown): Error | undefined;
}

/** The module of either package. */
export interface RuntimeModule {
  readonly Tensor: TensorConstructor;
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<RuntimeModel> };
}
