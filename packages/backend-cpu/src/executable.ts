/** One run: sizes and feeds in, steps, results out, and what remains of it in the state. */
import {
  bindSizes,
  DTypeError,
  type Executable,
  ShapeError,
  showShape,
  type Tensor,
  type Tensors,
  zeros,
} from "@ostinato/core";
import type { View } from "./call.ts";
import type { Compiled, NamedView } from "./compile.ts";
import type { Held } from "./held.ts";
import type { Kept } from "./kept.ts";
import type { Memory } from "./memory.ts";
import { runSteps } from "./scan.ts";
import { bytesOf, copy, resize } from "./views.ts";

/** Lets one run at a time into a session. */
export interface Turn {
  /** Throws `StateError` while another run is going on, or after the session was disposed. */
  expect(): void;
  begin(): void;
  end(): void;
  /** Counts how often the state was written. */
  writes: number;
}

/** What stays from run to run. */
export interface Lasting {
  readonly kept: Kept;
  readonly held: ReadonlyMap<string, Held>;
  readonly stateOf: (name: string) => View;
}

/** Runs on the caller's thread, and computes before the promise is returned. After warm-up nothing but that promise is allocated. */
export class ArenaExecutable implements Executable {
  readonly #compiled: Compiled;
  readonly #memory: Memory;
  readonly #turn: Turn;
  readonly #kept: Kept;
  readonly #held: ReadonlyMap<string, Held>;
  /** The state that each update is written to, and what holds the rest. */
  readonly #targets: readonly View[];
  readonly #holders: readonly Held[];

  constructor(compiled: Compiled, memory: Memory, turn: Turn, { kept, held, stateOf }: Lasting) {
    this.#compiled = compiled;
    this.#memory = memory;
    this.#turn = turn;
    this.#kept = kept;
    this.#held = held;
    this.#targets = compiled.updates.map(({ name }) => stateOf(name));
    this.#holders = compiled.holds.map(({ name }) => held.get(name) as Held);
  }

  async run(feeds: Tensors, into?: Tensors): Promise<Tensors> {
    this.#turn.expect();
    // Nobody else comes in between. A run that the host breaks off from outside, without any `finally`, leaves the turn free; not so while it
    // writes the state, of which half would be that of the step before.
    const results = this.#compute(feeds, into);
    this.#turn.begin();
    try {
      this.#update();
      await undefined;
      return results;
    } finally {
      this.#turn.end();
    }
  }

  #compute(feeds: Tensors, into: Tensors | undefined): Tensors {
    const { program, sizes, changing, prepare, steps, fetches } = this.#compiled;
    const { writes } = this.#turn;
    const memory = this.#memory;
    bindSizes(program, feeds, sizes, this.#held);
    for (let i = 0; i < changing.length; i++) resize(changing[i], sizes);
    const results = resultsFor(fetches, into);
    for (let i = 0; i < this.#compiled.feeds.length; i++) {
      const { name, view } = this.#compiled.feeds[i];
      write(memory, view, feeds[name]);
    }
    if (this.#kept.writes !== writes) {
      runSteps(memory, prepare);
      this.#kept.writes = writes;
    }
    runSteps(memory, steps);
    for (let i = 0; i < fetches.length; i++) read(memory, fetches[i].view, results[fetches[i].name]);
    return results;
  }

  #update(): void {
    const { commits, updates, holds, guard } = this.#compiled;
    if (guard !== undefined && this.#memory.u8[guard.offset] === 0) return;
    if (commits.length + updates.length > 0) this.#turn.writes++;
    runSteps(this.#memory, commits);
    for (let i = 0; i < updates.length; i++) {
      const { dtype, offset, size } = updates[i].view;
      copy(this.#memory, dtype, offset, this.#targets[i].offset, size);
    }
    for (let i = 0; i < holds.length; i++) {
      const { dtype, offset, size, dims } = holds[i].view;
      const held = this.#holders[i];
      copy(this.#memory, dtype, offset, held.address / bytesOf[dtype], size);
      held.dtype = dtype;
      for (let axis = 0; axis < dims.length; axis++) held.shape[axis] = dims[axis];
    }
  }
}

/** The caller's tensors where they hold every result, else new ones beside them. */
function resultsFor(fetches: readonly NamedView[], into: Tensors | undefined): Tensors {
  let complete = into !== undefined;
  for (let i = 0; i < fetches.length; i++) {
    const tensor = into?.[fetches[i].name];
    if (tensor === undefined) complete = false;
    else expectFit(fetches[i], tensor);
  }
  if (into !== undefined && complete) return into;
  return Object.fromEntries(
    fetches.map(({ name, view }) => [name, into?.[name] ?? zeros(view.dtype, view.dims.slice())]),
  );
}

function expectFit({ name, view }: NamedView, tensor: Tensor): void {
  const { dtype, dims } = view;
  let fits = tensor.shape.length === dims.length && tensor.data.length >= view.size;
  for (let axis = 0; axis < dims.length; axis++) if (tensor.shape[axis] !== dims[axis]) fits = false;
  if (tensor.dtype === dtype && fits) return;
  const message = `result "${name}" is ${dtype}${showShape(dims)}, the tensor given for it is ${tensor.dtype}${showShape(tensor.shape)}`;
  throw tensor.dtype === dtype ? new ShapeError(message) : new DTypeError(message);
}

function numbersOf(memory: Memory, view: View): Float32Array | Int32Array | Uint8Array {
  return view.dtype === "float32" ? memory.f32 : view.dtype === "int32" ? memory.i32 : memory.u8;
}

/** From so many elements on they are copied as a whole; to copy fewer one by one takes less than to make the view that this needs. */
const MANY = 4096;

/** Writes a tensor, of which `view.size` elements count, to the memory. */
export function write(memory: Memory, view: View, { data }: Tensor): void {
  const to = numbersOf(memory, view);
  if (data.length === view.size) to.set(data, view.offset);
  else if (view.size >= MANY) to.set(data.subarray(0, view.size), view.offset);
  else for (let i = 0; i < view.size; i++) to[view.offset + i] = data[i];
}

/** Reads a view into a tensor. */
export function read(memory: Memory, view: View, { data }: Tensor): void {
  const from = numbersOf(memory, view);
  if (view.size >= MANY) data.set(from.subarray(view.offset, view.offset + view.size));
  else for (let i = 0; i < view.size; i++) data[i] = from[view.offset + i];
}
