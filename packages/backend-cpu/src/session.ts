/** Sessions and backends over one memory: the state first, then the arena that all programs share, then scratch, then what is held, then what programs keep. */
import {
  type AnyNode,
  type Backend,
  ConfigError,
  type DType,
  DTypeError,
  type Executable,
  type Program,
  type Session,
  ShapeError,
  StateError,
  sameShape,
  showShape,
  type Tensor,
  type Tensors,
  zeros,
} from "@ostinato/core";
import { aligned, type Kernel, type Kernels, type View } from "./call.ts";
import { compileProgram } from "./compile.ts";
import { ArenaExecutable, read, type Turn, write } from "./executable.ts";
import { bytesIn, HeldStates, type Rooms } from "./held.ts";
import { KeptParts } from "./kept.ts";
import type { Memory } from "./memory.ts";
import { bytesOf, resize, viewAt } from "./views.ts";

/** What makes a backend of this kind: its kernels, and the memory of each session. */
export interface ArenaOptions {
  readonly name: string;
  readonly kernels: Kernels;
  /** Kernels that the table may hold beside faster ones of the backend's own. */
  readonly plain?: Partial<Kernels>;
  readonly createMemory: () => Memory | Promise<Memory>;
}

/** A backend that runs programs over one memory with a table of kernels. */
export function arenaBackend({ name, kernels, plain, createMemory }: ArenaOptions): Backend {
  return {
    name,
    runs: (node: AnyNode): boolean => {
      if (node.op === "input" || node.op === "scan") return true;
      const kernel = kernels[node.op] as Kernel | undefined;
      return kernel !== undefined && (kernel.supports?.(node.attrs) ?? true);
    },
    ...(plain
      ? { runsPlainly: ({ op }: AnyNode) => op !== "input" && op !== "scan" && kernels[op] === plain[op] }
      : {}),
    open: async (state: Tensors): Promise<Session> => {
      const memory = await createMemory();
      try {
        return new ArenaSession(name, kernels, memory, state);
      } catch (error) {
        await memory.dispose?.();
        throw error;
      }
    },
  };
}

/** States are kept in single precision, as everything here is computed. */
function stored(dtype: Tensor["dtype"]): DType {
  return dtype === "float64" ? "float32" : dtype;
}

class ArenaSession implements Session {
  readonly #backend: string;
  readonly #kernels: Kernels;
  readonly #memory: Memory;
  readonly #state = new Map<string, View>();
  readonly #arena: number;
  #arenaBytes = 0;
  #scratchBytes = 0;
  readonly #held = new HeldStates();
  readonly #kept = new KeptParts();
  readonly #turn: Turn;
  #running = false;
  #disposed = false;

  constructor(backend: string, kernels: Kernels, memory: Memory, state: Tensors) {
    this.#backend = backend;
    this.#kernels = kernels;
    this.#memory = memory;
    this.#turn = {
      expect: () => this.#expectTurn(),
      begin: () => {
        this.#running = true;
      },
      end: () => {
        this.#running = false;
      },
      writes: 0,
    };
    let address = 0;
    for (const [name, { dtype, shape }] of Object.entries(state)) {
      const view = viewAt({ dtype: stored(dtype), shape }, address);
      resize(view, {});
      this.#state.set(name, view);
      address += aligned(view.size * bytesOf[view.dtype]);
    }
    this.#arena = address;
    this.#reserve(0, 0, 0, new Map());
    for (const [name, view] of this.#state) write(memory, view, state[name]);
  }

  async compile(program: Program): Promise<Executable> {
    this.#expectOpen();
    await this.#memory.ready;
    this.#expectOpen();
    const { states, updates, held, holds } = program;
    const others = [...held, ...holds].filter(({ name }) => this.#state.has(name));
    for (const { name, value } of [...states, ...updates, ...others]) {
      this.#expectState(name, program.values[value].dtype, program.values[value].shape);
    }
    const compiled = compileProgram(program, this.#kernels, {
      arena: this.#arena,
      stateOf: (name) => {
        const view = this.#stateView(name);
        return view.offset * bytesOf[view.dtype];
      },
    });
    const kept = this.#kept.missing(compiled.keeping);
    this.#reserve(program.arenaBytes, compiled.scratchBytes, kept, this.#held.roomsWith(program));
    this.#held.adopt(compiled.held);
    return new ArenaExecutable(compiled, this.#memory, this.#turn, {
      kept: this.#kept.part(compiled.keeping),
      held: this.#held.pieces,
      stateOf: (name) => this.#stateView(name),
    });
  }

  async readState(names: readonly string[] = [...this.#state.keys()]): Promise<Tensors> {
    this.#expectOpen();
    return Object.fromEntries(
      names.map((name) => {
        const view = this.#stateView(name);
        const tensor = zeros(view.dtype, view.dims.slice());
        read(this.#memory, view, tensor);
        return [name, tensor];
      }),
    );
  }

  async writeState(state: Tensors): Promise<void> {
    this.#expectOpen();
    const entries = Object.entries(state);
    for (const [name, { dtype, shape, data }] of entries) {
      const view = this.#expectState(name, stored(dtype), shape);
      if (data.length < view.size) {
        throw new ShapeError(
          `state "${name}": shape ${showShape(shape)} needs ${view.size} elements, got ${data.length}`,
        );
      }
    }
    this.#turn.writes++;
    for (const [name, tensor] of entries) write(this.#memory, this.#stateView(name), tensor);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#memory.dispose?.();
  }

  /** Makes room for one more program. Where there is none, the others still run. */
  #reserve(arena: number, scratch: number, kept: number, rooms: Rooms): void {
    const arenaBytes = Math.max(this.#arenaBytes, aligned(arena));
    const scratchBytes = Math.max(this.#scratchBytes, scratch);
    const end = this.#arena + arenaBytes + scratchBytes;
    this.#memory.reserve(end + bytesIn(rooms) + this.#kept.bytes + kept);
    this.#kept.move(this.#held.place(this.#memory, end, rooms));
    this.#memory.scratch = this.#arena + arenaBytes;
    this.#arenaBytes = arenaBytes;
    this.#scratchBytes = scratchBytes;
  }

  #stateView(name: string): View {
    const view = this.#state.get(name);
    if (!view) throw new ConfigError(`${this.#backend}: this session holds no state "${name}"`);
    return view;
  }

  #expectState(name: string, dtype: DType, shape: readonly (number | string)[]): View {
    const view = this.#stateView(name);
    const message = `state "${name}" is ${view.dtype}${showShape(view.shape)} in this session, got ${dtype}${showShape(shape)}`;
    if (view.dtype !== dtype) throw new DTypeError(message);
    if (!sameShape(view.shape, shape)) throw new ShapeError(message);
    return view;
  }

  #expectOpen(): void {
    if (this.#disposed) throw new StateError(`${this.#backend}: this session was disposed; open another`);
  }

  #expectTurn(): void {
    this.#expectOpen();
    if (this.#running)
      throw new StateError(
        `${this.#backend}: a run of this session has not ended yet; await it first. (One that was broken off while it wrote the state leaves the session of no use.)`,
      );
    this.#memory.expectUsable?.();
  }
}
