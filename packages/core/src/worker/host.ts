/** Workers of browsers, Node, Deno and Bun, whichever there are. The types of none of them are used. */

/** A worker as the host makes it: `new Worker(…)` of a browser, of `node:worker_threads`, of Deno or of Bun. */
export interface WorkerHandle {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  terminate(): unknown;
}

interface WorkerEvent {
  readonly data?: unknown;
  readonly message?: string;
  readonly error?: unknown;
  preventDefault?(): void;
}

interface WorkerEvents {
  /** Of Node: -1 when the worker has ended. */
  readonly threadId?: number;
  /** Of Node. */
  on?(event: "message" | "messageerror" | "error" | "exit", listener: (value: unknown) => void): void;
  addEventListener?(
    event: "message" | "messageerror" | "error" | "close",
    listener: (event: WorkerEvent) => void,
  ): void;
  ref?(): void;
  unref?(): void;
}

interface Locks {
  request(name: string, options: { readonly signal?: unknown }, held: () => unknown): Promise<unknown>;
}

interface Port {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
}

interface Host {
  readonly document?: unknown;
  readonly navigator?: { readonly locks?: Locks };
  readonly AbortController?: new () => { readonly signal: unknown; abort(): void };
  readonly process?: {
    getBuiltinModule?(name: "node:worker_threads"): {
      readonly isMainThread: boolean;
      readonly parentPort: (Port & { on(event: "message", listener: (message: unknown) => void): void }) | null;
    };
  };
  readonly WorkerGlobalScope?: unknown;
  postMessage?(message: unknown, transfer: readonly ArrayBuffer[]): void;
  addEventListener?(event: "message", listener: (event: WorkerEvent) => void): void;
}
declare function setTimeout(callback: () => void, milliseconds: number): unknown;
declare function clearTimeout(timer: unknown): void;

const host = globalThis as Host;

export interface Listener {
  message(message: unknown): void;
  /** The worker failed or ended. It may be called more than once. */
  lost(why: string, cause?: unknown): void;
}

/** Listens to a worker's messages, and for its failure or end. */
export function listenTo(worker: WorkerHandle, { message, lost }: Listener): void {
  const events = worker as WorkerHandle & WorkerEvents;
  if (events.threadId === -1) lost("it has ended already");
  if (events.on) {
    events.on("message", message);
    events.on("messageerror", (error) => lost("its message could not be read", error));
    events.on("error", (error) => lost(String(error), error));
    events.on("exit", (code) => lost(`it ended with exit code ${String(code)}`));
    return;
  }
  events.addEventListener?.("message", ({ data }) => message(data));
  events.addEventListener?.("messageerror", () => lost("its message could not be read"));
  events.addEventListener?.("error", (event) => {
    // Reported by the calls that it fails; Deno would end the process.
    event.preventDefault?.();
    lost(event.message || "it could not be loaded", event.error ?? undefined);
  });
  events.addEventListener?.("close", () => lost("it ended"));
}

/** Sets whether the worker keeps the process alive, where the host has that setting. */
export function keepAlive(worker: WorkerHandle & Pick<WorkerEvents, "ref" | "unref">, wanted: boolean): void {
  if (wanted) worker.ref?.();
  else worker.unref?.();
}

/** Calls `late` after so many milliseconds. The returned function cancels it. */
export function after(milliseconds: number, late: () => void): () => void {
  const timer = setTimeout(late, milliseconds);
  return () => clearTimeout(timer);
}

/**
 * Takes a lock for as long as this worker lives, and returns its name; `undefined` where the host has no locks. Browsers have no event for a worker
 * that ends by itself: the page notices when it gets the lock.
 */
export async function holdLock(): Promise<string | undefined> {
  const locks = host.navigator?.locks;
  if (!locks || host.WorkerGlobalScope === undefined) return undefined;
  const name = `ostinato-worker-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  return new Promise((resolve) => {
    const held = (): Promise<never> => {
      resolve(name);
      return new Promise(() => {});
    };
    locks.request(name, {}, held).catch(() => resolve(undefined));
  });
}

/** Calls `free` when the holder gives up the lock. The returned function ends the waiting. */
export function awaitLock(name: string, free: () => void): () => void {
  const { navigator, AbortController } = host;
  if (!navigator?.locks || !AbortController) return () => {};
  const waiting = new AbortController();
  navigator.locks.request(name, { signal: waiting.signal }, free).catch(() => {});
  return () => waiting.abort();
}

/** The port of a worker to the thread that started it. */
export interface WorkerPort {
  listen(listener: (message: unknown) => void): void;
  post(message: unknown, transfer: readonly ArrayBuffer[]): void;
}

/** The port of this worker; `undefined` outside of workers. */
export function workerPort(): WorkerPort | undefined {
  const threads = host.process?.getBuiltinModule?.("node:worker_threads");
  const port = threads?.parentPort;
  if (port) {
    return {
      listen: (listener) => port.on("message", listener),
      post: (message, transfer) => port.postMessage(message, transfer),
    };
  }
  if (host.document !== undefined || host.WorkerGlobalScope === undefined) return undefined;
  return {
    listen: (listener) => host.addEventListener?.("message", ({ data }) => listener(data)),
    post: (message, transfer) => host.postMessage?.(message, transfer),
  };
}
