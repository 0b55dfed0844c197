/** The reference as a backend: the contract in its plainest form, over programs, every op native. */
import {
  type AnyStep,
  type Backend,
  bindSizes,
  ConfigError,
  type Executable,
  emptySizes,
  type Program,
  type Session,
  ShapeError,
  type Sizes,
  StateError,
  sizeOfDim,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { type Dense, widen } from "./dense.ts";
import { sizesTold } from "./kernel.ts";
import { compute, hasKernel } from "./kernels.ts";

class ReferenceSession implements Session {
  readonly #state: Map<string, Dense>;
  readonly #held = new Map<string, Dense>();
  #disposed = false;

  constructor(state: Tensors) {
    this.#state = new Map(Object.entries(state).map(([name, tensor]) => [name, widen(tensor)]));
  }

  async compile(program: Program): Promise<Executable> {
    this.#open();
    for (const { name } of program.states) this.#piece(name);
    for (const { name } of [...program.held, ...program.holds])
      if (this.#state.has(name)) throw new ShapeError(`the sizes of state "${name}" are known`);
    return {
      run: async (feeds, into) => {
        this.#open();
        return run(program, feeds, { state: this.#state, held: this.#held }, into);
      },
    };
  }

  async readState(names: readonly string[] = [...this.#state.keys()]): Promise<Tensors> {
    this.#open();
    return Object.fromEntries(names.map((name) => [name, widen(this.#piece(name))]));
  }

  async writeState(state: Tensors): Promise<void> {
    this.#open();
    const pieces = Object.entries(state).map(([name, tensor]): [string, Dense] => [name, widen(tensor)]);
    for (const [name, piece] of pieces) {
      const known = this.#piece(name);
      if (piece.dtype !== known.dtype || piece.shape.join() !== known.shape.join()) {
        throw new ShapeError(`state "${name}" is ${known.dtype}[${known.shape}], not ${piece.dtype}[${piece.shape}]`);
      }
    }
    for (const [name, piece] of pieces) this.#state.set(name, piece);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#state.clear();
    this.#held.clear();
  }

  #open(): void {
    if (this.#disposed) throw new StateError("the session is disposed");
  }

  #piece(name: string): Dense {
    const piece = this.#state.get(name);
    if (piece === undefined) throw new ConfigError(`the session has no state "${name}"`);
    return piece;
  }
}

/** Runs the steps over the table of values, dropping what is released as a device would. */
function runSteps(steps: readonly AnyStep[], values: (Dense | undefined)[], sizes: Sizes, program: Program): void {
  for (const step of steps) {
    if (step.op === "input") continue;
    const { parameters = [], results = [], steps: inside = [] } = step.block ?? {};
    const typesOf = (numbers: readonly number[]) => numbers.map((number) => program.values[number]);
    const runBody = (given: readonly Dense[]): readonly Dense[] => {
      parameters.forEach((number, i) => {
        values[number] = given[i];
      });
      Object.assign(sizes, Object.fromEntries(sizesTold(typesOf(parameters), given)));
      runSteps(inside, values, sizes, program);
      return results.map((number) => values[number] as Dense);
    };
    const inputs = step.inputs.map((number) => values[number] as Dense);
    const outputs = compute(step.op, inputs, step.attrs, {
      sizeOf: (dim) => sizeOfDim(dim, sizes),
      runBody,
      nameOf: (i) => program.feeds.find(({ value }) => value === step.inputs[i])?.name ?? step.op,
      parameters: typesOf(parameters),
      results: typesOf(results),
    });
    step.outputs.forEach((number, i) => {
      if (number >= 0) values[number] = outputs[i];
    });
    for (const number of step.releases) values[number] = undefined;
  }
}

/** The result as the caller's own tensor, or in the memory that the caller gave. */
function hand(value: Dense, target: Tensor | undefined): Tensor {
  if (target === undefined) return widen(value);
  target.data.set(value.data);
  return target;
}

interface Lasting {
  readonly state: Map<string, Dense>;
  readonly held: Map<string, Dense>;
}

function run(program: Program, feeds: Tensors, { state, held }: Lasting, into: Tensors = {}): Tensors {
  const sizes = emptySizes(program);
  bindSizes(program, feeds, sizes, held);
  const values: (Dense | undefined)[] = program.values.map(() => undefined);
  for (const { name, value } of program.feeds) values[value] = widen(feeds[name]);
  for (const { name, value } of program.states) values[value] = state.get(name);
  for (const { name, value } of program.held) values[value] = held.get(name);
  runSteps(program.steps, values, sizes, program);
  const read = (number: number): Dense => values[number] as Dense;
  const fetches = program.fetches.map(({ name, value }) => [name, hand(read(value), into[name])]);
  if (program.guard === undefined || read(program.guard).data[0] !== 0) {
    for (const { name, value } of program.updates) state.set(name, read(value));
    for (const { name, value } of program.holds) held.set(name, read(value));
  }
  return Object.fromEntries(fetches);
}

/** The reference interpreter as a backend. It runs natively every op that it has a definition of, and answers in double precision. */
export function reference(): Backend {
  const runs: Backend["runs"] = ({ op }) => op === "input" || hasKernel(op);
  return { name: "reference", runs, open: async (state) => new ReferenceSession(state) };
}
