/** A session: the state once for all its programs, as tensors of tfjs, and one run at a time. */
import {
  bindSizes,
  ConfigError,
  type DType,
  DTypeError,
  type Executable,
  emptySizes,
  keptKey,
  type Program,
  type Session,
  ShapeError,
  StateError,
  showShape,
  sizeOf,
  type Tensor,
  type Tensors,
  zeros,
} from "@ostinato/core";
import type { Device } from "./device.ts";
import { execute } from "./execute.ts";
import { fit, type Kept, type Plan, planOf } from "./plan.ts";
import type { Fed, Slots } from "./run.ts";
import type { HostData, TensorInfo } from "./tfjs.ts";

const show = (dtype: string, shape: readonly number[]): string => `${dtype}${showShape(shape)}`;

/** Copied, because tfjs's plain backend keeps the array that it is given. */
function upload(device: Device, { dtype, shape, data }: Tensor): TensorInfo {
  const kept = dtype === "float64" ? "float32" : dtype;
  const copy = zeros(kept, shape).data;
  copy.set(data.subarray(0, copy.length));
  return device.upload(copy, shape, kept);
}

/** The elements as the caller's own, or in the memory that the caller gave. */
function hand(name: string, dtype: DType, x: TensorInfo, data: HostData, target: Tensor | undefined): Tensor {
  const result = target ?? zeros(dtype, x.shape);
  const size = sizeOf(x.shape);
  if (result.dtype !== dtype && !(dtype === "float32" && result.dtype === "float64")) {
    throw new DTypeError(`into "${name}" must be ${show(dtype, x.shape)}, got ${result.dtype}`);
  }
  if (result.data.length < size) {
    throw new ShapeError(
      `into "${name}" must hold ${show(dtype, x.shape)}, the data has ${result.data.length} elements`,
    );
  }
  result.data.set(data.subarray(0, size));
  return result.shape.join() === x.shape.join() ? result : ({ ...result, shape: [...x.shape] } as Tensor);
}

/** A session on tfjs, which also tells how much it holds. */
export class TfjsSession implements Session {
  readonly #device: Device;
  readonly #state: Map<string, TensorInfo>;
  /** What programs have written that has named sizes. */
  readonly #held = new Map<string, TensorInfo>();
  /** What programs keep, by their key. */
  readonly #kept = new Map<string, Kept>();
  #writes = 0;
  #running: Promise<unknown> | undefined;
  #disposed = false;

  constructor(device: Device, state: Tensors) {
    this.#device = device;
    this.#state = new Map(Object.entries(state).map(([name, tensor]) => [name, upload(device, tensor)]));
  }

  /** The tensors of tfjs that this session holds: its state, the constants of its programs, and while it runs what the run still needs. */
  liveTensors(): number {
    return this.#device.liveTensors;
  }

  async compile(program: Program): Promise<Executable> {
    this.#idle("compile");
    const { states, updates, held, holds } = program;
    const others = [...held, ...holds].filter(({ name }) => this.#state.has(name));
    for (const { name, value } of [...states, ...updates, ...others]) {
      const { dtype, shape } = this.#piece(name);
      const wanted = program.values[value];
      if (wanted?.dtype !== dtype || wanted.shape.join() !== shape.join()) {
        throw new ShapeError(
          `state "${name}" is ${show(dtype, shape)}, the program has ${wanted?.dtype}${showShape(wanted?.shape ?? [])}`,
        );
      }
    }
    const key = keptKey(program, program.steps.slice(0, program.prepared));
    const kept = this.#kept.get(key) ?? { values: new Map(), writes: -1 };
    this.#kept.set(key, kept);
    const plan = planOf(this.#device, program, kept);
    return { run: (feeds, into = {}) => this.#alone("run", () => this.#run(plan, feeds, into)) };
  }

  async readState(names: readonly string[] = [...this.#state.keys()]): Promise<Tensors> {
    return this.#alone("readState", async () => {
      const tensors = names.map(async (name) => [name, await this.#read(name, this.#piece(name))] as const);
      return Object.fromEntries(await Promise.all(tensors));
    });
  }

  async writeState(state: Tensors): Promise<void> {
    this.#idle("writeState");
    for (const [name, tensor] of Object.entries(state)) {
      const { dtype, shape } = this.#piece(name);
      const given = tensor.dtype === "float64" ? "float32" : tensor.dtype;
      if (given !== dtype || tensor.shape.join() !== shape.join()) {
        throw new ShapeError(`state "${name}" is ${show(dtype, shape)}, not ${show(tensor.dtype, tensor.shape)}`);
      }
    }
    for (const [name, tensor] of Object.entries(state)) this.#put(name, upload(this.#device, tensor));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#running?.catch(() => undefined);
    this.#state.clear();
    this.#held.clear();
    this.#device.releaseAll();
  }

  async #run(plan: Plan, feeds: Tensors, into: Tensors): Promise<Tensors> {
    const { program } = plan;
    const bound = emptySizes(program);
    bindSizes(program, feeds, bound, this.#held);
    fit(plan, bound);
    this.#prepare(plan);
    const device = this.#device;
    const mark = device.mark();
    const updates = new Map<string, TensorInfo>();
    const holds = new Map<string, TensorInfo>();
    try {
      const slots: Slots = [];
      const fed = new Map<number, Fed>();
      for (const { name, value } of program.feeds) {
        const tensor = feeds[name] as Tensor;
        slots[value] = upload(device, tensor);
        fed.set(value, { name, data: tensor.data });
      }
      for (const { name, value } of program.states) slots[value] = device.share(this.#piece(name));
      for (const { name, value } of program.held) slots[value] = device.share(this.#held.get(name) as TensorInfo);
      for (const [value, x] of plan.kept.values) slots[value] = x;
      execute({ device, plan, slots, fed }, program.steps.slice(program.prepared));
      const at = (value: number): TensorInfo => slots[value] as TensorInfo;
      const fetches = program.fetches.map(
        async ({ name, value }) => [name, await this.#read(name, at(value), into[name])] as const,
      );
      const results = await Promise.all(fetches);
      const keep = program.guard === undefined || (await device.read(at(program.guard)))[0] !== 0;
      if (keep) {
        for (const { name, value } of program.updates) updates.set(name, device.share(at(value)));
        for (const { name, value } of program.holds) holds.set(name, device.share(at(value)));
      }
      return Object.fromEntries(results);
    } finally {
      device.releaseSince(mark, new Set([...updates.values(), ...holds.values()]));
      for (const [name, x] of updates) this.#put(name, x);
      for (const [name, x] of holds) {
        const before = this.#held.get(name);
        if (before) device.release(before);
        this.#held.set(name, x);
      }
    }
  }

  /** Makes what a program keeps, where the state was written since. */
  #prepare(plan: Plan): void {
    const { program, kept } = plan;
    if (program.prepared === 0 || kept.writes === this.#writes) return;
    const device = this.#device;
    for (const x of kept.values.values()) device.release(x);
    kept.values.clear();
    const mark = device.mark();
    try {
      const slots: Slots = [];
      for (const { name, value } of program.states) slots[value] = device.share(this.#piece(name));
      const steps = program.steps.slice(0, program.prepared);
      execute({ device, plan, slots, fed: new Map() }, steps);
      for (const value of steps.flatMap(({ outputs }) => outputs)) {
        const x = slots[value];
        if (x !== undefined) kept.values.set(value, x);
      }
      kept.writes = this.#writes;
    } finally {
      device.releaseSince(mark, new Set(kept.values.values()));
    }
  }

  async #read(name: string, x: TensorInfo, target?: Tensor): Promise<Tensor> {
    return hand(name, x.dtype as DType, x, await this.#device.read(x), target);
  }

  #put(name: string, x: TensorInfo): void {
    this.#device.release(this.#piece(name));
    this.#state.set(name, x);
    this.#writes += 1;
  }

  #piece(name: string): TensorInfo {
    const piece = this.#state.get(name);
    if (piece === undefined) throw new ConfigError(`the session has no state "${name}"`);
    return piece;
  }

  #idle(what: string): void {
    if (this.#disposed) throw new StateError(`${what}: the session is disposed`);
    if (this.#running) throw new StateError(`${what}: the session is still busy; await what was called before`);
    this.#device.check();
  }

  async #alone<R>(what: string, work: () => Promise<R>): Promise<R> {
    this.#idle(what);
    const running = work();
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = undefined;
    }
  }
}
