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
  onerror: ((event: { readonly message?: string }) => void) | null;
}

interface NodeWorker extends Worker {
  once(event: "message" | "error" | "exit", listener: (value: unknown) => void): void;
  unref(): void;
}

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<Module>;
  instantiate(module: Module, imports: object): Promise<{ readonly exports: unknown }>;
  readonly Memory: new (descriptor: Descriptor) => HostMemory;
};
declare function atob(text: string): string;

interface Host {
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly document?: unknown;
  readonly SharedArrayBuffer?: unknown;
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
  };
}

const host = globalThis as Host;

/** Whether this engine runs a binary. */
export const validate = (bytes: Uint8Array): boolean => WebAssembly.validate(bytes);

export const compile = (bytes: Uint8Array): Promise<Module> => WebAssembly.compile(bytes);

/** The exports of an instance of the module. */
export async function instantiate(module: Module, imports: object): Promise<unknown> {
  return (await WebAssembly.instantiate(module, imports)).exports;
}

export const createHostMemory = (descriptor: Descriptor): HostMemory => new WebAssembly.Memory(descriptor);

/** The bytes of a text in base64. */
export const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Whether threads can see the same memory: everywhere in Node, and in browsers where the page is cross-origin isolated. */
export const hasSharedMemory = (): boolean => host.SharedArrayBuffer !== undefined;

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
  const code = `onmessage = ({ data }) => (${begin})(data, () => postMessage(0));`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    ready();
  };
  worker.onerror = ({ message: why }) => lost(why ?? "it could not be loaded");
  worker.postMessage(message);
  return { terminate: async () => void worker.terminate() };
}
