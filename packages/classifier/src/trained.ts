/** What was given as a model, read and opened: the same for every program that answers with one. */
import { cpu } from "@ostinato/backend-cpu";
import {
  type Backend,
  ConfigError,
  fromBytes,
  ModelFileError,
  type Predictor,
  predictor,
  type ReadOptions,
  type Trained,
} from "@ostinato/core";
import { isOnnx } from "./onnxBytes.ts";

/** The function that opens models, for errors: what it is called, and the package that has it. */
export interface Opener {
  readonly name: string;
  readonly package: string;
}

/** What a model file tells beside its weights. */
export type Described = Omit<Trained, "weights">;

/**
 * Makes a program of a model: looks at what the file tells, and then opens what runs it, a predictor, which it owns from then on. The weights are those of losses that predictions are
 * read by; those of layers are among them only where the model did not come as ONNX.
 */
export type Over<T, Runner = Predictor> = (described: Trained, open: () => Promise<Runner>) => Promise<T>;

/** Opens what runs a trained model on a backend. */
export type Run<Runner> = (trained: Trained, options: { readonly backend: Backend }) => Promise<Runner>;

/** What was given as a model, read. @throws ConfigError for a path, ModelFileError for what is no model */
export function trainedFrom(opener: Opener, model: Uint8Array | Trained, options: ReadOptions): Trained {
  if (typeof model === "string")
    throw new ConfigError(
      `${opener.name}: a path is for ${opener.name} of ${opener.package}/node; this one takes the bytes of the file`,
    );
  if (typeof model === "object" && model !== null && "spec" in model) return model;
  if (isOnnx(model))
    throw new ModelFileError(`this is an ONNX file: ${opener.package}/node opens it; here take what saveModel wrote`);
  return fromBytes(model, options);
}

/**
 * Opens a model from the bytes of its file, or a trained one, in Node.js and in pages; for packages such as `@ostinato/tagger`, which make their own programs `over` models.
 * `backend` is `await cpu()` by default, and what runs the model a `predictor`.
 *
 * @throws ConfigError for a path, ModelFileError for what is no model
 */
export function openTrained<T>(
  opener: Opener,
  over: Over<T>,
  model: Uint8Array | Trained,
  options: ReadOptions & { readonly backend?: Backend },
): Promise<T>;
export function openTrained<T, Runner>(
  opener: Opener,
  over: Over<T, Runner>,
  model: Uint8Array | Trained,
  options: ReadOptions & { readonly backend?: Backend },
  run: Run<Runner>,
): Promise<T>;
export function openTrained<T>(
  opener: Opener,
  over: Over<T, never>,
  model: Uint8Array | Trained,
  { backend, ...options }: ReadOptions & { readonly backend?: Backend },
  run: Run<unknown> = predictor,
): Promise<T> {
  const trained = trainedFrom(opener, model, options);
  return over(trained, async () => (await run(trained, { backend: backend ?? (await cpu()) })) as never);
}
