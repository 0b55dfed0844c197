/** The parts of browsers and of Node that this package touches, in so far as they are there. Types of neither are seen here. */

/** A compiled module, as it is handed to threads. */
export type Module = object;

/** Memory of WebAssembly. */
export interface HostMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

interface Descriptor {
  readonly initial: number;
  readonly maximum: number;
  readonly shared: boolean;
}

interface Worker {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

interface BrowserWorker extends Worker {
  onmessage: (() => void) | null;
  onmessageerror: (() => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
}

interface NodeWorker extends Worker {
  once(event: "message" | "error" | "exit", listener: (value: unknown) => void): void;
  unref(): void;
}

declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<Module>;
  instantiate(module: Module, imports: object): Promise<{ readonly exports: unknown }>;
  readonly Module: new (bytes: Uint8Array) => Module;
  readonly Memory: new (descriptor: Descriptor) => HostMemory;
};
declare function atob(text: string): string;
declare const performance: { now(): number };
declare const DecompressionStream: new (
  format: "deflate-raw",
) => {
  readonly writable: { getWriter(): { write(bytes: Uint8Array): Promise<void>; close(): Promise<void> } };
  readonly readable: { getReader(): { read(): Promise<{ readonly value?: Uint8Array }> } };
};

interface Host {
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly document?: unknown;
  /** Of browsers: whether pages may share memory. */
  readonly crossOriginIsolated?: boolean;
  readonly SharedArrayBuffer?: unknown;
  readonly WebAssembly?: { validate(bytes: Uint8Array): boolean };
  readonly Worker?: new (url: string) => BrowserWorker;
  readonly Blob?: new (parts: readonly string[], options: { readonly type: string }) => object;
  readonly URL?: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  readonly process?: {
    getBuiltinModule?(name: "node:worker_threads"): {
      readonly Worker: new (
        code: string,
        options: { readonly eval: true; readonly execArgv: readonly string[] },
      ) => NodeWorker;
    };
    getBuiltinModule?(name: "node:os"): { availableParallelism(): number };
    getBuiltinModule?(name: "node:zlib"): { inflateRawSync(bytes: Uint8Array): Uint8Array };
    getBuiltinModule?(name: "node:v8"): { setFlagsFromString(flags: string): void };
    readonly arch: string;
    readonly execArgv: readonly string[];
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly versions: Readonly<Record<string, string | undefined>>;
  };
}

const host = globalThis as Host;

/** Whether this engine runs a binary. Some have no WebAssembly at all. */
export const validate = (bytes: Uint8Array): boolean => host.WebAssembly?.validate(bytes) ?? false;

export const compile = (bytes: Uint8Array): Promise<Module> => WebAssembly.compile(bytes);

/** Versions of Node whose V8 can be asked for 256-bit SIMD. To others the flag is unknown, or does nothing. */
const WIDE_NODE = { from: 24, to: 26 };
/** Functions are compiled by the optimizing compiler at once, which makes 256-bit instructions of pairs of 128-bit ones. */
const WIDE_FLAGS = ["experimental-wasm-revectorize", "no-liftoff", "no-wasm-lazy-compilation"];

/** The flag without its dashes, "no" and value, in one spelling. */
const flagName = (flag: string): string => flag.replace(/^-{0,2}(no[-_]?)?|=.*/g, "").replaceAll("_", "-");

/**
 * Compiles for 256-bit SIMD, where the host is known to have it for the asking: in Node on x64. V8's flags are back as they were when this
 * returns, so nothing else that this thread compiles is compiled with them; those that the process was started with are left alone. What came of
 * it the module itself has to tell.
 */
export function compileWide(bytes: Uint8Array): Module | undefined {
  const { process } = host;
  const v8 = process?.getBuiltinModule?.("node:v8");
  if (process?.arch !== "x64" || v8 === undefined) return undefined;
  const { node, bun, deno, electron } = process.versions;
  if (bun ?? deno ?? electron) return undefined;
  const major = Number.parseInt(node ?? "", 10);
  if (!(major >= WIDE_NODE.from && major <= WIDE_NODE.to)) return undefined;
  const given = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? "").split(/\s+/)].map(flagName);
  const flags = WIDE_FLAGS.filter((flag) => !given.includes(flagName(flag)));
  for (const flag of flags) v8.setFlagsFromString(`--${flag}`);
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    for (const flag of flags) v8.setFlagsFromString(flag.startsWith("no-") ? `--${flag.slice(3)}` : `--no-${flag}`);
  }
}

/** Milliseconds on the host's clock. */
export const now = (): number => performance.now();

/** The exports of an instance of the module. */
export async function instantiate(module: Module, imports: object): Promise<unknown> {
  return (await WebAssembly.instantiate(module, imports)).exports;
}

export const createHostMemory = (descriptor: Descriptor): HostMemory => new WebAssembly.Memory(descriptor);

/** The bytes of a text in base64 that was deflated before. */
export async function inflate(base64: string): Promise<Uint8Array> {
  const deflated = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  // Node's streams take longer to load than the module to compile.
  const zlib = host.process?.getBuiltinModule?.("node:zlib");
  if (zlib) return zlib.inflateRawSync(deflated);
  const { writable, readable } = new DecompressionStream("deflate-raw");
  const writer = writable.getWriter();
  const writing = Promise.all([writer.write(deflated), writer.close()]);
  const reader = readable.getReader();
  let bytes = new Uint8Array(0);
  for (let { value } = await reader.read(); value; { value } = await reader.read()) {
    const longer = new Uint8Array(bytes.length + value.length);
    longer.set(bytes);
    longer.set(value, bytes.length);
    bytes = longer;
  }
  await writing;
  return bytes;
}

/** Whether there can be threads over one memory: everywhere in Node, and in browsers where the page is cross-origin isolated and may start workers. */
export const hasThreads = (): boolean =>
  host.SharedArrayBuffer !== undefined &&
  host.crossOriginIsolated !== false &&
  (host.Worker !== undefined || host.process?.getBuiltinModule?.("node:worker_threads") !== undefined);

/** The main thread of a browser may not block. */
export const maySleep = (): boolean => host.document === undefined;

/** Cores, as far as the host tells. */
export function cores(): number {
  const { navigator, process } = host;
  return navigator?.hardwareConcurrency ?? process?.getBuiltinModule?.("node:os").availableParallelism() ?? 1;
}

/** A thread of the host, seen from outside. */
export interface HostThread {
  terminate(): Promise<void>;
}

/**
 * Starts a thread that runs `begin`, the text of a function, on `message`. `ready` is called when it posts its first message,
 * `lost` when it fails or ends. It does not keep the process alive.
 */
export function startThread(
  begin: string,
  message: object,
  ready: () => void,
  lost: (why: string) => void,
): HostThread {
  const node = host.process?.getBuiltinModule?.("node:worker_threads");
  if (node) {
    const code = `const { parentPort: port } = process.getBuiltinModule("node:worker_threads");
      port.once("message", (message) => (${begin})(message, () => port.postMessage(0)));`;
    // Flags of the process, such as one that makes of every text a module, are not for it.
    const worker = new node.Worker(code, { eval: true, execArgv: [] });
    worker.once("message", () => {
      worker.unref();
      ready();
    });
    worker.once("error", (error) => lost(String(error)));
    worker.once("exit", () => lost("it ended"));
    worker.postMessage(message);
    return { terminate: async () => void (await worker.terminate()) };
  }
  const { Worker, Blob, URL } = host;
  if (!Worker || !Blob || !URL) throw new Error("this host has no workers");
  const code = `onmessageerror = () => { throw new Error("it could not read its message"); };
    onmessage = ({ data }) => (${begin})(data, () => postMessage(0));`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    ready();
  };
  const fail = (why: string): void => {
    URL.revokeObjectURL(url);
    worker.terminate();
    lost(why);
  };
  worker.onerror = ({ message: why }) => fail(why ?? "it could not be loaded");
  worker.onmessageerror = () => fail("its answer could not be read");
  try {
    worker.postMessage(message);
  } catch (error) {
    fail(String(error));
  }
  return { terminate: async () => void worker.terminate() };
}
