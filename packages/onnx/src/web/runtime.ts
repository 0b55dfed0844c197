/** onnxruntime-web, an optional peer: loaded when the first model is opened, unless the page hands it in. */
import { ConfigError } from "@ostinato/core";
import type { Runtime, RuntimeModule, TensorConstructor } from "../runtime/runtime.ts";

/** Where the files of onnxruntime-web's WebAssembly are: their folder, or each by itself. */
export type WasmPaths = string | { readonly wasm?: string | URL; readonly mjs?: string | URL };

/** An execution provider of onnxruntime, with options or without. */
export type ExecutionProvider = string | { readonly name: string };

/** What is used of onnxruntime-web. */
export interface OnnxRuntimeWeb extends RuntimeModule {
  readonly env: { readonly wasm: { numThreads?: number; wasmPaths?: WasmPaths } };
}

/** What onnxruntime-web is told before its first model. It has one memory, threads and files for all models of a page. */
export interface PageSettings {
  readonly threads?: number | undefined;
  readonly wasmPaths?: WasmPaths | undefined;
}

/** What a page keeps of a runtime. */
interface Started {
  readonly settings: PageSettings;
  /** The last of the calls, which follow one another. */
  last: Promise<unknown>;
}

const startedOf = new WeakMap<object, Started>();

/** The settings of a runtime's first model; later ones may leave them out or repeat them. @throws ConfigError for others */
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
        `openSession: ${name} is ${given}, and ${first ?? "was left out"} where the page opened its first model; onnxruntime-web takes it once, for all models of a page`,
      );
  }
  return known;
}

/** Loads onnxruntime-web with WebAssembly alone. @throws ConfigError where that fails */
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
