/** The worker's end: a backend that answers calls. */
import type { Backend, Executable, Session } from "../backend.ts";
import { ConfigError, StateError } from "../errors.ts";
import { apply } from "../ir/build/apply.ts";
import { parameter } from "../ir/build/source.ts";
import type { AnyNode, Value } from "../ir/value.ts";
import type { Tensors } from "../tensor.ts";
import { failureOf } from "./failure.ts";
import { holdLock, workerPort } from "./host.ts";
import { type CallName, type Calls, isRequest, PROTOCOL, type Question } from "./protocol.ts";
import { handedOver, standIns } from "./tensors.ts";

interface Open {
  readonly session: Session;
  readonly executables: Map<number, Executable>;
}

/** What is answered, and the buffers that go over with it. */
interface Reply<C extends CallName> {
  readonly value: Calls[C]["answer"];
  readonly buffers?: readonly ArrayBuffer[];
}

type Handlers = { readonly [C in CallName]: (given: Calls[C]["given"]) => Promise<Reply<C>> };

/** The node that is asked about, on inputs of the same types. */
function nodeOf({ op, attrs, inputs }: Question): AnyNode {
  const values = inputs.map(({ dtype, shape }, i) => parameter(`input ${i}`, dtype, shape));
  const [first] = apply(op, values, attrs) as [Value, ...Value[]];
  return first.node;
}

function tensorsReply(tensors: Tensors): { value: Tensors; buffers: readonly ArrayBuffer[] } {
  const { tensors: value, buffers } = handedOver(tensors);
  return { value, buffers };
}

function handlersOf(backend: Promise<Backend>): Handlers {
  const sessions = new Map<number, Open>();
  let numbers = 0;
  const opened = (session: number): Open => {
    const open = sessions.get(session);
    if (!open) throw new StateError(`this worker has no session ${session}`);
    return open;
  };
  return {
    hello: async () => {
      const lock = await holdLock();
      return { value: { protocol: PROTOCOL, ...(lock === undefined ? {} : { lock }) } };
    },
    start: async () => ({ value: { name: (await backend).name } }),
    runs: async ({ questions }) => {
      const there = await backend;
      return { value: questions.map((question) => there.runs(nodeOf(question))) };
    },
    open: async ({ state }) => {
      const session = await (await backend).open(state);
      sessions.set(++numbers, { session, executables: new Map() });
      return { value: numbers };
    },
    compile: async ({ session, program }) => {
      const open = opened(session);
      const executable = await open.session.compile(program);
      open.executables.set(++numbers, executable);
      return { value: numbers };
    },
    run: async ({ session, executable, feeds, into }) => {
      const found = opened(session).executables.get(executable);
      if (!found) throw new StateError(`this worker has no program ${executable}`);
      return tensorsReply(await (into ? found.run(feeds, standIns(into)) : found.run(feeds)));
    },
    readState: async ({ session, names }) => tensorsReply(await opened(session).session.readState(names)),
    writeState: async ({ session, state }) => {
      await opened(session).session.writeState(state);
      return { value: null };
    },
    close: async ({ session }) => {
      const open = opened(session);
      sessions.delete(session);
      await open.session[Symbol.asyncDispose]();
      return { value: null };
    },
  };
}

/**
 * Serves a backend to the thread that started this worker, which calls `inWorker`. Call it at the top level of the worker's file. Nothing else in the
 * worker may post messages.
 *
 * @param create makes the backend, in the worker. What it throws, `inWorker` throws.
 * @example
 * // backend.worker.ts
 * serveBackend(() => wasm());
 *
 * @throws ConfigError outside of a worker
 */
export function serveBackend(create: () => Backend | Promise<Backend>): void {
  const port = workerPort();
  if (!port) throw new ConfigError("serveBackend must be called in the file of a worker; this is not a worker");
  const backend = Promise.resolve().then(create);
  // Reported by the calls that need it.
  backend.catch(() => {});
  const handlers = handlersOf(backend);
  port.listen(async (message) => {
    if (!isRequest(message) || !Object.hasOwn(handlers, message.call)) return;
    const { id, call, given } = message;
    try {
      const { value, buffers = [] } = await (handlers[call] as (from: unknown) => Promise<Reply<CallName>>)(given);
      port.post({ id, value }, buffers);
    } catch (error) {
      port.post({ id, failure: failureOf(error) }, []);
    }
  });
}
