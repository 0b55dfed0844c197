/** The programs of a session: compiled when first needed, and again when data outgrows them. */
import type { Backend, Executable, Session } from "../../backend.ts";
import type { Pass } from "../../ir/rewrite.ts";
import type { Graph } from "../../ir/value.ts";
import { lowerFor } from "../../passes/lower.ts";
import { bind } from "../../plan/bind.ts";
import type { Capacities } from "../../plan/binder.ts";
import type { ProgramValue } from "../../plan/program.ts";
import { type Tensor, type Tensors, zeros } from "../../tensor.ts";

/** A compiled program, and tensors for those of its results whose shapes are the same in each run. */
export interface Runnable {
  readonly executable: Executable;
  readonly capacities: Capacities;
  /** Those results whose shape is the same in each run, written anew each time. */
  readonly results: Tensors;
}

/** What outgrows its room gets so many times what it needs, so that batches that are longer and longer are compiled for a few times, and not each time. */
const GROWTH = 1.25;

/** Compiles graphs by name, and keeps what it compiled. */
export class Programs {
  readonly #backend: Backend;
  readonly #session: Session;
  readonly #passes: readonly Pass[];
  readonly #compiled = new Map<string, Runnable>();

  /** `passes` are those that the graphs need beside those of all graphs. */
  constructor(backend: Backend, session: Session, passes: readonly Pass[]) {
    this.#backend = backend;
    this.#session = session;
    this.#passes = passes;
  }

  /** The program `name` with room for at least `needed`; `build` makes its graph where it has to be compiled. */
  async get(name: string, build: () => Graph, needed: Capacities): Promise<Runnable> {
    const known = this.#compiled.get(name);
    const room = known?.capacities ?? needed;
    const capacities = Object.fromEntries(
      Object.entries(needed).map(([dim, size]) => {
        const most = room[dim] as number;
        return [dim, size > most ? Math.ceil(GROWTH * size) : most];
      }),
    );
    if (known && Object.keys(needed).every((dim) => capacities[dim] === room[dim])) return known;
    const program = bind(await lowerFor(build(), this.#backend, this.#passes), capacities);
    const executable = await this.#session.compile(program);
    const fixed = program.fetches.flatMap(({ name: fetch, value }): [string, Tensor][] => {
      const { dtype, shape } = program.values[value] as ProgramValue;
      return shape.every((dim) => typeof dim === "number") ? [[fetch, zeros(dtype, shape)]] : [];
    });
    const results = Object.fromEntries(fixed);
    const runnable = { executable, capacities, results };
    this.#compiled.set(name, runnable);
    return runnable;
  }
}
