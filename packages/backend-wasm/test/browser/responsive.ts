/** Runs in a browser's page: how many frames it paints while it trains, and how soon an abort ends a training. */
import type { Backend } from "@ostinato/core";
import { inWorker, type WorkerBackend } from "@ostinato/core/worker";
import { abortSoon, backendOf, type Choice, rowsFor, trainASecond } from "./training.ts";

interface PageWorker {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  terminate(): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: { readonly message: string }) => void) | null;
}
declare const Worker: new (url: string, options: { readonly type: "module"; readonly name: string }) => PageWorker;
declare function requestAnimationFrame(callback: () => void): void;
declare const performance: { now(): number };

export interface Painted {
  readonly backend: string;
  /** Milliseconds that a step took. */
  readonly step: number;
  readonly framesPerSecond: number;
}

const workerOf = (file: string, choice: Choice): PageWorker =>
  new Worker(`/${file}`, { type: "module", name: JSON.stringify(choice) });

const remote = (choice: Choice): Promise<WorkerBackend> => inWorker(workerOf("backend.js", choice));

async function painted(backend: Backend, milliseconds: number): Promise<Painted> {
  const rows = await rowsFor(backend, milliseconds);
  let frames = 0;
  let counting = true;
  const count = (): void => {
    frames += 1;
    if (counting) requestAnimationFrame(count);
  };
  const begin = performance.now();
  requestAnimationFrame(count);
  const step = await trainASecond(backend, rows);
  counting = false;
  return { backend: backend.name, step, framesPerSecond: (1000 * frames) / (performance.now() - begin) };
}

/** Trains with steps of about so many milliseconds, on this thread or in a worker. */
async function paint(where: "page" | "worker", choice: Choice, milliseconds: number): Promise<Painted> {
  if (where === "page") return painted(await backendOf(choice), milliseconds);
  await using backend = await remote(choice);
  return await painted(backend, milliseconds);
}

/** Milliseconds to the end of a training that a timer aborts: in this page, with the backend in a worker, and all in a worker. */
async function abort(
  choice: Choice,
): Promise<Record<"page" | "backend in a worker" | "all in a worker", number | string>> {
  await using backend = await remote(choice);
  const worker = workerOf("abort.js", choice);
  const alone = new Promise<number | string>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data as number | string);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  const report = {
    "all in a worker": await alone,
    page: await abortSoon(await backendOf(choice)),
    "backend in a worker": await abortSoon(backend),
  };
  worker.terminate();
  return report;
}

/** What becomes of a call whose worker is terminated behind the backend's back. */
async function terminated(): Promise<string> {
  const worker = workerOf("backend.js", "cpu");
  const backend = await inWorker(worker);
  const session = await backend.open({});
  worker.terminate();
  return session.readState().then(
    () => "an answer",
    (error: unknown) => String(error),
  );
}

Object.assign(globalThis, { paint, abort, terminated });
