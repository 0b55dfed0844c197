/** A backend that runs in a worker, seen from the thread that uses it. */
import type { Backend, Executable, Session } from "../backend.ts";
import { ConfigError, StateError } from "../errors.ts";
import { type CompositeName, isComposite } from "../ir/ops.ts";
import type { Pass } from "../ir/rewrite.ts";
import type { AnyNode, Graph, Node } from "../ir/value.ts";
import { lower } from "../passes/lower.ts";
import type { Program } from "../plan/program.ts";
import type { Tensors } from "../tensor.ts";
import { Connection } from "./connection.ts";
import type { WorkerHandle } from "./host.ts";
import type { Question } from "./protocol.ts";
import { copiesOf, placesOf, written } from "./tensors.ts";

/** A backend in a worker. It holds the worker: `await using`, or `dispose` it. */
export interface WorkerBackend extends Backend, AsyncDisposable {
  prepare(graph: Graph, more?: readonly Pass[]): Promise<void>;
  /** Ends the worker and all its sessions. Calls in progress are rejected with a `StateError`. */
  dispose(): Promise<void>;
}

function questionOf({ op, attrs, inputs }: Node<CompositeName>): Question {
  return { op, attrs, inputs: inputs.map(({ type }) => type) };
}

const isCompositeNode = (node: Node): node is Node<CompositeName> => isComposite(node.op);

class RemoteBackend implements WorkerBackend {
  readonly name: string;
  readonly #connection: Connection;
  /** What the worker has answered, by question. */
  readonly #answers = new Map<string, boolean>();

  constructor(name: string, connection: Connection) {
    this.name = name;
    this.#connection = connection;
  }

  runs(node: AnyNode): boolean {
    // Every backend runs the primitives.
    if (!isCompositeNode(node)) return true;
    const answer = this.#answers.get(JSON.stringify(questionOf(node)));
    if (answer === undefined)
      throw new StateError(
        `${this.name}: whether it runs ${node.op} must be asked there; use await lowerFor(graph, backend)`,
      );
    return answer;
  }

  async prepare(graph: Graph, more: readonly Pass[] = []): Promise<void> {
    for (;;) {
      // What is not known yet is taken for native, until it has been asked; what it decomposes to is asked next.
      const open = new Map<string, Question>();
      const runs = (node: AnyNode): boolean => {
        if (!isCompositeNode(node)) return true;
        const question = questionOf(node);
        const key = JSON.stringify(question);
        const answer = this.#answers.get(key);
        if (answer === undefined) open.set(key, question);
        return answer ?? true;
      };
      lower(graph, { name: this.name, runs }, more);
      if (open.size === 0) return;
      const answers = await this.#connection.call("runs", { questions: [...open.values()] });
      [...open.keys()].forEach((key, i) => {
        this.#answers.set(key, answers[i] === true);
      });
    }
  }

  async open(state: Tensors): Promise<Session> {
    const { tensors, buffers } = copiesOf(state);
    return new RemoteSession(
      this.name,
      this.#connection,
      await this.#connection.call("open", { state: tensors }, buffers),
    );
  }

  dispose(): Promise<void> {
    return this.#connection.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

class RemoteSession implements Session {
  readonly #backend: string;
  readonly #connection: Connection;
  readonly #session: number;
  #disposed = false;

  constructor(backend: string, connection: Connection, session: number) {
    this.#backend = backend;
    this.#connection = connection;
    this.#session = session;
  }

  async compile(program: Program): Promise<Executable> {
    this.#expectOpen();
    const session = this.#session;
    const executable = await this.#connection.call("compile", { session, program });
    return {
      run: async (feeds, into) => {
        this.#expectOpen();
        const { tensors, buffers } = copiesOf(feeds);
        const places = into && { into: placesOf(into) };
        const results = await this.#connection.call("run", { session, executable, feeds: tensors, ...places }, buffers);
        return written(results, into);
      },
    };
  }

  async readState(names?: readonly string[]): Promise<Tensors> {
    this.#expectOpen();
    return this.#connection.call("readState", { session: this.#session, ...(names && { names }) });
  }

  async writeState(state: Tensors): Promise<void> {
    this.#expectOpen();
    const { tensors, buffers } = copiesOf(state);
    await this.#connection.call("writeState", { session: this.#session, state: tensors }, buffers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#connection.ended) return;
    await this.#connection.call("close", { session: this.#session }).catch((error: unknown) => {
      // Where the worker has ended meanwhile, the session has ended with it.
      if (!this.#connection.ended) throw error;
    });
  }

  #expectOpen(): void {
    if (this.#disposed) throw new StateError(`${this.#backend}: this session was disposed; open another`);
  }
}

/** Workers that have a backend: a second one would hear the answers of the first. */
const taken = new WeakSet<WorkerHandle>();

/**
 * The backend of a worker whose file calls `serveBackend`. It is used like any other, for any number of trainers and predictors. Programs run in the
 * worker, with the same results to the bit. The calling thread prepares and copies batches, and is free between them.
 *
 * From then on the worker belongs to the backend: `dispose` ends it. It keeps a process alive only while a call is in progress (in Deno until `dispose`).
 *
 * @example
 * await using backend = await inWorker(new Worker(new URL("./backend.worker.ts", import.meta.url), { type: "module" }));
 * await using trainer = await compile(model, { backend, loss: binaryCrossentropy(), optimizer: adam() });
 *
 * @throws ResourceError where the worker cannot be loaded or does not answer; once it is lost, every call throws one. What the worker's `create` throws.
 * ConfigError for something that is no worker, StateError for a worker that has a backend already
 */
export async function inWorker(worker: WorkerHandle): Promise<WorkerBackend> {
  if (typeof worker !== "object" || worker === null || typeof worker.postMessage !== "function")
    throw new ConfigError('inWorker takes a worker: new Worker(new URL(…, import.meta.url), { type: "module" })');
  if (taken.has(worker))
    throw new StateError("this worker has a backend already, which serves any number of trainers; use that one");
  taken.add(worker);
  const connection = new Connection(worker);
  try {
    await connection.greet();
    const { name } = await connection.call("start", {});
    return new RemoteBackend(`${name} in a worker`, connection);
  } catch (error) {
    await connection.dispose();
    throw error;
  }
}
