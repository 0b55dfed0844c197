/** A model opened in onnxruntime. Tensors are passed and returned by name. */
import { DataError, DTypeError, ModelFileError, StateError, sizeOf, type Tensor, type Tensors } from "@ostinato/core";
import { metadataOf } from "../description.ts";
import { decodeOnnx } from "../file/wire.ts";
import { expectWhole } from "./external.ts";
import { checkGuards, guardsOf } from "./guards.ts";
import type { Runtime, RuntimeTensor } from "./runtime.ts";
import { checkFeeds, type OnnxValue, signatureOf } from "./signature.ts";

/** A model in onnxruntime. */
export interface OnnxSession {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** The metadata of the model. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Runs the model after checking the feeds. Runs may overlap. */
  run(feeds: Tensors): Promise<Tensors>;
  /** Frees the model after the runs in progress have ended. */
  dispose(): Promise<void>;
}

/**
 * If the data is longer than its shape, only the first elements are used. The views are created here because onnxruntime only accepts those of its own realm,
 * and the data may come from another realm, such as a test runner's sandbox.
 */
function toRuntime(
  { Tensor: Made }: Runtime,
  { dtype, data, shape }: Tensor,
  wanted: OnnxValue["dtype"],
): RuntimeTensor {
  const size = sizeOf(shape);
  const { buffer, byteOffset } = data;
  if (wanted === "int64") return new Made(wanted, widened(data.subarray(0, size)), shape);
  if (dtype === "float32") return new Made(dtype, new Float32Array(buffer, byteOffset, size), shape);
  if (dtype === "int32") return new Made(dtype, new Int32Array(buffer, byteOffset, size), shape);
  if (dtype === "bool") return new Made(dtype, new Uint8Array(buffer, byteOffset, size), shape);
  throw new DTypeError("onnxruntime accepts float32, int32 or bool, not float64");
}

/** Converts int32 to int64: the lower half, which comes first, and then the sign. One BigInt per element would take nine times as long. */
function widened(data: ArrayLike<number>): BigInt64Array {
  const halves = new Int32Array(2 * data.length);
  for (let i = 0; i < data.length; i++) {
    halves[2 * i] = data[i] as number;
    halves[2 * i + 1] = (data[i] as number) >> 31;
  }
  return new BigInt64Array(halves.buffer);
}

function fromRuntime(name: string, { type, data, dims: shape }: RuntimeTensor): Tensor {
  if (type === "float32") return { dtype: "float32", shape, data: data as Float32Array };
  if (type === "int32") return { dtype: "int32", shape, data: data as Int32Array };
  if (type === "bool") return { dtype: "bool", shape, data: data as Uint8Array };
  if (type === "int64") return { dtype: "int32", shape, data: narrowed(name, data as BigInt64Array) };
  throw new DTypeError(`output "${name}" is neither float32 nor int32, int64 or bool`);
}

/** Converts int64 to int32. @throws DTypeError for integers outside 32 bits */
function narrowed(name: string, data: BigInt64Array): Int32Array {
  return Int32Array.from(data, (value) => {
    if (BigInt.asIntN(32, value) === value) return Number(value);
    throw new DTypeError(`output "${name}" contains ${value}, which does not fit int32`);
  });
}

/** Awaits a runtime call. @throws the runtime's explanation of an error, or the result of `otherwise` */
async function answered<T>(runtime: Runtime, work: Promise<T>, otherwise: (error: unknown) => Error): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw runtime.explain?.(error) ?? otherwise(error);
  }
}

/**
 * Opens a model from bytes. They are parsed first, so invalid files do not load a runtime.
 *
 * @throws ModelFileError for files that are not models, and for models that onnxruntime rejects
 */
export async function sessionOver(bytes: Uint8Array, loadRuntime: () => Promise<Runtime>): Promise<OnnxSession> {
  const decoded = decodeOnnx(bytes);
  expectWhole(decoded);
  const { inputs, outputs } = signatureOf(decoded);
  const guards = guardsOf(decoded, inputs);
  const runtime = await loadRuntime();
  const model = await answered(
    runtime,
    runtime.load(bytes),
    (error) => new ModelFileError(`onnxruntime cannot load this model: ${String(error)}`, { cause: error }),
  );
  const running = new Set<Promise<unknown>>();
  let disposed: Promise<void> | undefined;

  async function release(): Promise<void> {
    await Promise.allSettled(running);
    await model.release();
  }
  return {
    inputs,
    outputs,
    metadata: metadataOf(decoded),
    run: async (feeds) => {
      if (disposed) throw new StateError("this model has been disposed");
      checkFeeds(inputs, feeds);
      checkGuards(guards, feeds);
      const given = Object.fromEntries(
        inputs.map(({ name, dtype }) => [name, toRuntime(runtime, feeds[name] as Tensor, dtype)]),
      );
      const run = answered(
        runtime,
        model.run(given),
        (error) => new DataError(`onnxruntime failed to run the model: ${String(error)}`, { cause: error }),
      );
      running.add(run);
      try {
        const results = await run;
        return Object.fromEntries(
          outputs.map(({ name }) => [name, fromRuntime(name, results[name] as RuntimeTensor)] as const),
        );
      } finally {
        running.delete(run);
      }
    },
    dispose: () => {
      disposed ??= release();
      return disposed;
    },
  };
}
