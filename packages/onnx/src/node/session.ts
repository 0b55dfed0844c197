/** A model opened in onnxruntime: tensors in and out by name. */
import { readFile } from "node:fs/promises";
import { ConfigError, DTypeError, ModelFileError, StateError, sizeOf, type Tensor, type Tensors } from "@ostinato/core";
import { decodeOnnx } from "../file/wire.ts";
import { loadRuntime, type Runtime, runFailure } from "./runtime.ts";
import { checkFeeds, type OnnxValue, signatureOf } from "./signature.ts";

/** A model in the native runtime. */
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

type RuntimeTensor = InstanceType<Runtime["Tensor"]>;

/**
 * Of data that is longer than its shape, the first elements count. The views are made here because onnxruntime takes those of its own realm
 * only, and the data may be of another, such as that of a test runner's sandbox.
 */
function toRuntime(runtime: Runtime, { dtype, data, shape }: Tensor, wanted: OnnxValue["dtype"]): RuntimeTensor {
  const size = sizeOf(shape);
  const { buffer, byteOffset } = data;
  if (wanted === "int64") return new runtime.Tensor(wanted, widened(data.subarray(0, size)), shape);
  if (dtype === "float32") return new runtime.Tensor(dtype, new Float32Array(buffer, byteOffset, size), shape);
  if (dtype === "int32") return new runtime.Tensor(dtype, new Int32Array(buffer, byteOffset, size), shape);
  if (dtype === "bool") return new runtime.Tensor(dtype, new Uint8Array(buffer, byteOffset, size), shape);
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

/** Bytes of this realm or another. */
function isBytes(model: Uint8Array | string | URL): model is Uint8Array {
  return ArrayBuffer.isView(model);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "this is a folder; name the file in it",
  EACCES: "permission denied",
};

/** The bytes of a file. @throws ModelFileError, which names it; ConfigError for what is neither bytes nor a path */
async function bytesAt(path: unknown): Promise<Uint8Array> {
  // A URL of another realm is one as well.
  const isUrl = typeof path === "object" && path !== null && "href" in path;
  if (typeof path !== "string" && !isUrl) {
    const found =
      typeof path === "object" && path !== null && "then" in path ? "a promise: await it" : String(typeof path);
    throw new ConfigError(`an ONNX model is given as the bytes of its file, or by its path, got ${found}`);
  }
  try {
    return await readFile(isUrl ? new URL(String(path.href)) : path);
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    const reason = reasons[code] ?? String(error);
    throw new ModelFileError(`cannot read the model ${isUrl ? String(path.href) : path}: ${reason}`, { cause: error });
  }
}

/** Options of `openSession` and `onnxPredictor`. */
export interface SessionOptions {
  /** Threads that share one run. Default: onnxruntime's choice, the number of cores. */
  readonly threads?: number;
}

/**
 * Opens any ONNX model, tensors in and out by name: the bytes of an `.onnx` file, or where it is. Weights in other files are not read.
 * Models made elsewhere often have int64 ids: feed int32 tensors, which are converted. An int64 output comes back as int32.
 *
 * @throws ModelFileError for what is no model or one that onnxruntime refuses; ConfigError where onnxruntime-node is not installed
 */
export async function openSession(
  model: Uint8Array | string | URL,
  { threads }: SessionOptions = {},
): Promise<OnnxSession> {
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw new ConfigError(`threads must be a whole number from 1 on, got ${threads}`);
  }
  const bytes = isBytes(model)
    ? new Uint8Array(model.buffer, model.byteOffset, model.byteLength)
    : await bytesAt(model);
  const decoded = decodeOnnx(bytes);
  const { inputs, outputs } = signatureOf(decoded);
  const runtime = await loadRuntime();
  const options = threads === undefined ? {} : { intraOpNumThreads: threads };
  const session = await runtime.InferenceSession.create(bytes, options).catch((error: unknown) => {
    throw new ModelFileError(`onnxruntime does not take this model: ${String(error)}`, { cause: error });
  });
  const running = new Set<Promise<unknown>>();
  let disposed: Promise<void> | undefined;

  async function release(): Promise<void> {
    await Promise.allSettled(running);
    await session.release();
  }
  return {
    inputs,
    outputs,
    metadata: new Map((decoded.metadata ?? []).map(({ key = "", value = "" }) => [key, value])),
    run: async (feeds) => {
      if (disposed) throw new StateError("this model was disposed of");
      checkFeeds(inputs, feeds);
      const run = session.run(
        Object.fromEntries(inputs.map(({ name, dtype }) => [name, toRuntime(runtime, feeds[name] as Tensor, dtype)])),
      );
      running.add(run);
      try {
        const results = await run;
        return Object.fromEntries(
          outputs.map(({ name }) => [name, fromRuntime(name, results[name] as RuntimeTensor)] as const),
        );
      } catch (error) {
        throw runFailure(error);
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
