/** Loads onnxruntime-web, an optional peer dependency, when the first model is opened, unless the page provides it. */
import { ConfigError } from "@ostinato/core";
import type { Runtime, RuntimeModule, TensorConstructor } from "../runtime/runtime.ts";

/** The location of onnxruntime-web's WebAssembly files: their folder, or the URL of each. */
export type WasmPaths = string | { readonly wasm?: string | URL; readonly mjs?: string | URL };

/** An execution provider of onnxruntime, with or without options. */
export type ExecutionProvider = string | { readonly name: string };

/** The parts of onnxruntime-web that are used. */
export interface OnnxRuntimeWeb extends RuntimeModule {
  readonly env: { readonly wasm: { numThreads?: number; wasmPaths?: WasmPaths } };
}

/** Settings of onnxruntime-web before its first model. All models of a page share its memory, threads and files. */
export interface PageSettings {
  readonly threads?: number | undefined;
  readonly wasmPaths?: WasmPaths | undefined;
}

/** The state of a runtime in a page. */
interface Started {
  readonly settings: PageSettings;
  /** The last call; calls are executed one after another. */
  last: Promise<unknown>;
}

const startedOf = new WeakMap<object, Started>();

/** The settings of a runtime's first model. Later models may omit or repeat them. @throws ConfigError for other values */
function start(module: OnnxRuntimeWeb, settings: PageSettings): Started {
  const known = startedOf.get(module.InferenceSession);
  const { threads, wasmPaths } = settings;
  if (known === undefined) {
    if (threads !== undefined) module.env.wasm.numThreads = threads;
    if (wasmPaths !== undefined) module.env.wasm.wasmPaths = wasmPaths;
    const started = { settings, last: Promise.resolve() };
    startedOf.set(module.InferenceSession, started);
    return started;
  }
  for (const name of ["threads", "wasmPaths"] as const) {
    const [given, first] = [settings[name], known.settings[name]].map((value) => JSON.stringify(value));
    if (given !== undefined && given !== first)
      throw new ConfigError(
        `openSession: ${name} is ${given}, but was ${first ?? "not set"} when the page opened its first model; onnxruntime-web only accepts it once, for all models of a page`,
      );
  }
  return known;
}

/** Loads onnxruntime-web with WebAssembly only. @throws ConfigError if that fails */
async function loadModule(): Promise<OnnxRuntimeWeb> {
  try {
    return await import("onnxruntime-web/wasm");
  } catch (error) {
    throw new ConfigError(
      `@ostinato/onnx/web runs on the package onnxruntime-web, which does not load here: ${String(error)}. npm install onnxruntime-web, or hand in its module, { runtime: ort }`,
      { cause: error },
    );
  }
}

const nameOf = (provider: ExecutionProvider): string => (typeof provider === "string" ? provider : provider.name);

/** The runtime, with these execution providers. */
export async function runtimeOf(
  given: OnnxRuntimeWeb | undefined,
  settings: PageSettings,
  executionProviders: readonly ExecutionProvider[],
): Promise<Runtime> {
  const module = given ?? (await loadModule());
  const started = start(module, settings);
  // Its sessions share one stack and one memory, so that calls that overlap would end in each other's.
  const inTurn = <T>(call: () => Promise<T>): Promise<T> => {
    const result = started.last.then(call);
    started.last = result.catch(() => undefined);
    return result;
  };
  return {
    Tensor: module.Tensor as TensorConstructor,
    load: async (bytes) => {
      const model = await inTurn(() => module.InferenceSession.create(bytes, { executionProviders }));
      return { run: (feeds) => inTurn(() => model.run(feeds)), release: () => inTurn(() => model.release()) };
    },
    // That WebAssembly itself did not start is told apart from what is wrong with a model.
    explain: (error) =>
      /no available backend found/.test(String(error))
        ? new ConfigError(
            `onnxruntime-web does not start in this page with ${executionProviders.map(nameOf).join(", ")}: ${String(error)}. Its .wasm file must be served, and where bundlers do not find it, { wasmPaths } says where; a Content-Security-Policy must allow 'wasm-unsafe-eval'`,
            { cause: error },
          )
        : undefined,
  };
}
