/** The parts of browsers, Node, Deno and Bun that this package touches, in so far as they are there. Types of none of them are seen here. */

interface Worker {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

interface BrowserWorker extends Worker {
  onmessage: (() => void) | null;
  onmessageerror: (() => void) | null;
  onerror: ((event: { readonly message?: string; preventDefault?(): void }) => void) | null;
}

interface NodeWorker extends Worker {
  once(event: "message" | "error" | "exit", listener: (value: unknown) => void): void;
  unref(): void;
}

/** Node's `worker_threads`, as Deno and Bun have it too. */
interface WorkerThreads {
  readonly Worker: new (
    code: string,
    options: { readonly eval: true; readonly execArgv: readonly string[] },
  ) => NodeWorker;
  /** Locks that all threads of the process share: of Node from 24.5 on. */
  readonly locks?: {
    request<T>(name: string, options: { readonly ifAvailable: true }, body: (lock: object | null) => T): Promise<T>;
  };
}

interface Process {
  getBuiltinModule?(name: "node:worker_threads"): WorkerThreads | undefined;
  getBuiltinModule?(name: "node:os"): { availableParallelism(): number } | undefined;
  getBuiltinModule?(name: "node:zlib"): { inflateRawSync(bytes: Uint8Array): Uint8Array } | undefined;
  getBuiltinModule?(name: "node:v8"): { setFlagsFromString(flags: string): void } | undefined;
  readonly arch: string;
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly versions: Readonly<Record<string, string | undefined>>;
}

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
  readonly process?: Process;
}

export const host = globalThis as Host;

declare const performance: { now(): number };
declare function setTimeout(body: () => void, milliseconds: number): unknown;

/** Milliseconds on the host's clock. */
export const now = (): number => performance.now();

/** Fulfilled after so many milliseconds. */
export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
