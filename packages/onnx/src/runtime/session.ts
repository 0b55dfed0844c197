/** A model opened in onnxruntime: tensors in and out by name. */
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
  /** The facts that travel with the model. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Runs once; feeds are checked first. Runs may overlap. */
  run(feeds: Tensors): Promise<Tensors>;
  /** Frees the model once the runs under way have ended. */
  dispose(): Promise<void>;
}

/**
 * Of data that is longer than its shape, the first elements count. The views are made here because onnxruntime takes those of its own realm
 * only, and the data may be of another, such as that of a test runner's sandbox.
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
  throw new DTypeError("onnxruntime is fed float32, int32 or bool, not float64");
}

/** Whole numbers of 32 bits in 64: the lower half, which stands first, and then the sign. A BigInt for each would take nine times as long. */
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

/** Whole numbers of 64 bits in 32. @throws DTypeError for one that has no room there */
function narrowed(name: string, data: BigInt64Array): Int32Array {
  return Int32Array.from(data, (value) => {
    if (BigInt.asIntN(32, value) === value) return Number(value);
    throw new DTypeError(`output "${name}" holds ${value}, which has no room in the 32 bits of an int32 tensor`);
  });
}

/** Waits for a runtime's answer. @throws what the runtime explains, or else what `otherwise` makes of its error */
async function answered<T>(runtime: Runtime, work: Promise<T>, otherwise: (error: unknown) => Error): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw runtime.explain?.(error) ?? otherwise(error);
  }
}

/**
 * Opens a model by its bytes. They are read first, so a file that is none costs no runtime.
 *
 * @throws ModelFileError for what is no model or one that onnxruntime refuses
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
    (error) => new ModelFileError(`onnxruntime does not take this model: ${String(error)}`, { cause: error }),
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
      if (disposed) throw new StateError("this model was disposed of");
      checkFeeds(inputs, feeds);
      checkGuards(guards, feeds);
      const given = Object.fromEntries(
        inputs.map(({ name, dtype }) => [name, toRuntime(runtime, feeds[name] as Tensor, dtype)]),
      );
      const run = answered(
        runtime,
        model.run(given),
        (error) => new DataError(`onnxruntime does not run the model on this: ${String(error)}`, { cause: error }),
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
