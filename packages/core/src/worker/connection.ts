/** The caller's end of a worker: the calls in progress, and their errors when the worker is lost. */
import { ResourceError, StateError } from "../errors.ts";
import { errorOf } from "./failure.ts";
import { after, awaitLock, keepAlive, listenTo, type WorkerHandle } from "./host.ts";
import { type CallName, type Calls, isAnswer, PROTOCOL, type Request } from "./protocol.ts";

/** Milliseconds that the worker's file may take to load. */
const LOADING = 60_000;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Connection {
  readonly #worker: WorkerHandle;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  /** Makes the error of later calls, once the worker has ended. */
  #ended: (() => Error) | undefined;
  #stopWaiting: () => void = () => {};

  constructor(worker: WorkerHandle) {
    this.#worker = worker;
    listenTo(worker, {
      message: (message) => this.#take(message),
      lost: (why, cause) => this.#lose(why, cause),
    });
  }

  /** Waits until the worker's file is loaded. @throws ResourceError */
  async greet(): Promise<void> {
    const loaded = after(LOADING, () =>
      this.#lose(`it said nothing for ${LOADING / 1000} s; its file must call serveBackend`),
    );
    try {
      const { protocol, lock } = await this.call("hello", {});
      if (protocol !== PROTOCOL) {
        this.#lose("its file has another version of @ostinato/core; reload it");
        throw this.#ended?.();
      }
      if (lock !== undefined) this.#stopWaiting = awaitLock(lock, () => this.#lose("it ended"));
    } finally {
      loaded();
    }
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  async call<C extends CallName>(
    call: C,
    given: Calls[C]["given"],
    buffers: readonly ArrayBuffer[] = [],
  ): Promise<Calls[C]["answer"]> {
    if (this.#ended) throw this.#ended();
    const id = ++this.#calls;
    const request = { id, call, given } as Request;
    // What cannot be cloned fails here, and concerns this call alone.
    this.#worker.postMessage(request, [...buffers]);
    if (this.#pending.size === 0) keepAlive(this.#worker, true);
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Ends the worker. Calls in progress are rejected. */
  async dispose(): Promise<void> {
    await this.#end(() => new StateError("this backend was disposed, and its worker ended; start another"));
  }

  #take(message: unknown): void {
    const pending = isAnswer(message) ? this.#pending.get(message.id) : undefined;
    if (!isAnswer(message) || !pending) {
      this.#lose("it posted something that is no answer; a worker with a backend must post nothing else");
      return;
    }
    this.#pending.delete(message.id);
    if (this.#pending.size === 0) keepAlive(this.#worker, false);
    if ("failure" in message) pending.reject(errorOf(message.failure));
    else pending.resolve(message.value);
  }

  #lose(why: string, cause?: unknown): void {
    const reason = why.replace(/\s+/g, " ").trim();
    const options = cause === undefined ? undefined : { cause };
    const lost = (): Error =>
      new ResourceError(`the backend's worker was lost; start another and compile again: ${reason}`, options);
    this.#end(lost).catch(() => {});
  }

  async #end(why: () => Error): Promise<void> {
    if (this.#ended) return;
    this.#ended = why;
    this.#stopWaiting();
    for (const { reject } of this.#pending.values()) reject(why());
    this.#pending.clear();
    await this.#worker.terminate();
  }
}
