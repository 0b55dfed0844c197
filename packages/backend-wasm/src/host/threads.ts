/** Threads of the host: whether there are any, how many are worth it, and how one is started. */
import { host, pause } from "./globals.ts";

/** Whether there can be threads over one memory: everywhere in Node, Deno and Bun, and in pages that are cross-origin isolated. */
export const hasThreads = (): boolean =>
  host.SharedArrayBuffer !== undefined &&
  host.crossOriginIsolated !== false &&
  (host.Worker !== undefined || host.process?.getBuiltinModule?.("node:worker_threads") !== undefined);

/** The main thread of a browser may not block. */
export const maySleep = (): boolean => host.document === undefined;

/** Cores, as far as the host tells. */
export function cores(): number {
  const { navigator, process } = host;
  return navigator?.hardwareConcurrency ?? process?.getBuiltinModule?.("node:os")?.availableParallelism() ?? 1;
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
  worker.onerror = (event) => {
    event.preventDefault?.();
    fail(event.message ?? "it could not be loaded");
  };
  worker.onmessageerror = () => fail("its answer could not be read");
  try {
    worker.postMessage(message);
  } catch (error) {
    fail(String(error));
  }
  return { terminate: async () => void worker.terminate() };
}

/** Milliseconds after which a worker that has said nothing is taken for one that never will. */
const PATIENCE = 10_000;

/** Why a page's policy lets no worker start from a `blob:` URL; undefined where one did start. */
function tryBlobWorker(): Promise<string | undefined> {
  return new Promise((resolve) => {
    let thread: HostThread | undefined;
    const answer = (why?: string): void => {
      void thread?.terminate();
      resolve(why);
    };
    try {
      thread = startThread("(_, ready) => ready()", {}, () => answer(), answer);
      void pause(PATIENCE).then(() => answer("it did not start"));
    } catch (error) {
      answer(String(error));
    }
  });
}

let tried: Promise<string | undefined> | undefined;

/**
 * Why threads cannot be started here, undefined where they can. In pages a Content-Security-Policy may forbid workers from `blob:` URLs, which shows only
 * when one is started: once, in the page's first call. A policy does not change while a page lives.
 */
export async function threadsRefused(): Promise<string | undefined> {
  if (host.process?.getBuiltinModule?.("node:worker_threads")) return undefined;
  tried ??= tryBlobWorker();
  return tried;
}
