/** States that go on, as the host holds them between two runs: what is fed of them, where the next are fetched to, and which rows begin anew. */
import { ConfigError, DataError } from "../../errors.ts";
import { buildModel } from "../../nn/build.ts";
import { type CarriedState, FRESH, fetchOf, STATES, withLengths } from "../../nn/carried.ts";
import { shown } from "../../nn/options.ts";
import { layerOfCall, type ModelSpec } from "../../nn/spec.ts";
import { streamedModel } from "../../nn/streamed.ts";
import { type BoolTensor, type Float32Tensor, type Tensor, type Tensors, zeros } from "../../tensor.ts";
import type { Turns } from "./turns.ts";

type Named = Pick<CarriedState, "name" | "size">;

/** The states of the rows of a batch. */
export class CarriedStates {
  /** They go on from batch to batch; else each batch begins anew, and states are fed only because the graph has feeds for them. */
  readonly lasting: boolean;
  readonly #states: readonly Named[];
  /** The feeds that tell how many steps each row has. */
  readonly #lengths: readonly string[];
  /** What errors call the layer that has states. */
  readonly layer: string;
  #rows = 0;
  #fresh: BoolTensor = zeros("bool", [0]);
  #before: readonly Float32Tensor[] = [];
  #feeds: Tensors = {};
  #results: Tensors = {};

  constructor(states: readonly Named[], lengths: readonly string[], layer: string, lasting = true) {
    this.lasting = lasting;
    this.#states = states;
    this.#lengths = lengths;
    this.layer = layer;
  }

  /** States of the same kind, which begin anew. */
  another(): CarriedStates {
    return new CarriedStates(this.#states, this.#lengths, this.layer, this.lasting);
  }

  /** How many there are of a row. */
  get count(): number {
    return this.#states.length;
  }

  /** Rows of the running batches; 0 before the first. */
  get rows(): number {
    return this.#rows;
  }

  /** What is fed beside the data. */
  get feeds(): Tensors {
    return this.#feeds;
  }

  /** Where states are fetched to. */
  get results(): Tensors {
    return this.#results;
  }

  /** Makes ready for batches of so many rows. @throws DataError for another number than before, where some row goes on */
  open(rows: number): this {
    if (rows === this.#rows) return this;
    if (this.#fresh.data.includes(0))
      throw new DataError(
        `${this.layer} is stateful, and a batch of ${rows} follows one of ${this.#rows}: each row goes on with that in its place; give batches of one size, or call resetStates() between them`,
      );
    this.#rows = rows;
    this.#fresh = zeros("bool", [rows]);
    this.#fresh.data.fill(1);
    this.#before = this.#states.map(({ size }) => zeros("float32", [rows, size]));
    const before = this.#states.map(({ name }, i) => [name, this.#before[i] as Tensor] as const);
    this.#feeds = { ...Object.fromEntries(before), [FRESH]: this.#fresh };
    this.#results = Object.fromEntries(
      this.#states.map((state) => [fetchOf(state), zeros("float32", [rows, state.size])]),
    );
    return this;
  }

  /** Goes on from what a run fetched. A row without a step stays as fresh as it was. */
  goOn(feeds: Tensors, fetched: Tensors): void {
    if (!this.lasting) return;
    for (let i = 0; i < this.#states.length; i++) {
      const next = fetched[fetchOf(this.#states[i] as Named)] as Tensor;
      (this.#before[i] as Float32Tensor).data.set(next.data);
    }
    const fresh = this.#fresh.data;
    for (let i = 0; i < this.#lengths.length; i++) {
      const lengths = feeds[this.#lengths[i] as string]?.data ?? [];
      for (let row = 0; row < this.#rows; row++) if ((lengths[row] as number) > 0) fresh[row] = 0;
    }
  }

  /** Begins rows anew, all where none are named. @throws ConfigError for a row that there is not */
  reset(rows?: readonly number[], owner = "reset"): void {
    if (rows === undefined) {
      this.#fresh.data.fill(1);
      for (const { data } of this.#before) data.fill(0);
      return;
    }
    for (const row of rows)
      if (!(Number.isInteger(row) && row >= 0 && row < this.#rows))
        throw new ConfigError(
          `${owner}: ${this.#rows === 0 ? "there are no rows before the first batch" : `rows are 0 … ${this.#rows - 1}`}, got ${shown(row)}`,
        );
    for (const row of rows) {
      this.#fresh.data[row] = 1;
      for (const { data, shape } of this.#before)
        data.fill(0, row * (shape[1] as number), (row + 1) * (shape[1] as number));
    }
  }

  /** The form of what `tensors` gives for so many rows. */
  forms(rows: number): Readonly<Record<string, Pick<Tensor, "dtype" | "shape">>> {
    const states = this.#states.map(({ name, size }) => [name, { dtype: "float32", shape: [rows, size] }] as const);
    return { ...Object.fromEntries(states), [FRESH]: { dtype: "bool", shape: [rows] } };
  }

  /** Copies, for a checkpoint; nothing before the first batch. */
  tensors(): Tensors {
    if (this.#rows === 0) return {};
    const copies = Object.entries(this.feeds).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]);
    return Object.fromEntries(copies) as Tensors;
  }

  /** Takes back what `tensors` gave. */
  restore(given: Tensors): void {
    this.reset();
    const fresh = given[FRESH];
    if (fresh === undefined) return;
    this.open(fresh.shape[0] as number);
    for (let row = 0; row < this.#rows; row++) this.#fresh.data[row] = fresh.data[row] ? 1 : 0;
    this.#states.forEach(({ name }, i) => {
      this.#before[i]?.data.set(given[name]?.data ?? []);
    });
  }
}

/** A model as it is run. */
export interface Runnable {
  readonly spec: ModelSpec;
  /** Absent where it has no `stateful` layer. */
  readonly states?: CarriedStates;
}

/** The feeds of a model that tell how long rows are. */
export const lengthFeeds = ({ inputs }: ModelSpec): string[] =>
  inputs.flatMap(({ name, lengths }) => (lengths ? [`${name}/lengths`] : []));

/** A model with the states of its `stateful` layers, and where it has any with lengths for all rows: it may be given rows that end within a batch. */
export function withStates(spec: ModelSpec): Runnable {
  const { carried } = buildModel(spec, undefined, "stateful");
  const [first] = carried;
  if (first === undefined) return { spec };
  const run = withLengths(spec);
  const states = carried.map(({ name: state, size }) => ({ name: state, size }));
  return { spec: run, states: new CarriedStates(states, lengthFeeds(run), layerOfCall(spec, first.call)) };
}

/**
 * The same for a graph that has feeds for the states of all recurrences. They go on where every recurrence is `stateful`.
 *
 * @throws ConfigError where some are, and others not: rows would go on and begin anew at once
 */
export function withAllStates(spec: ModelSpec): Required<Runnable> {
  const run = withLengths(spec);
  const { carried } = streamedModel(run);
  const stateful = withStates(spec).states;
  const states = carried.map(({ name, size }) => ({ name, size }));
  const lasting = stateful !== undefined;
  if (lasting && stateful.count < carried.length)
    throw new ConfigError(
      `predict: ${stateful.layer} is stateful, and other recurrences of the model are not; this file has the states of all, so that it takes streams alone`,
    );
  return { spec: run, states: new CarriedStates(states, lengthFeeds(run), stateful?.layer ?? "", lasting) };
}

/** Begins rows anew, in their turn. @throws ConfigError where no layer is `stateful` */
export async function resetStates(
  turns: Turns,
  states: readonly CarriedStates[] | undefined,
  rows: readonly number[] | undefined,
): Promise<void> {
  if (states === undefined)
    throw new ConfigError(
      "resetStates: no layer of the model is stateful, so that all states begin anew with every batch; give a recurrence stateful: true, or take a stream",
    );
  await turns.inTurn(() => {
    // Training and prediction may have batches of different sizes, or none yet.
    const most = states.reduce((most, each) => Math.max(most, each.rows), 0);
    for (const each of states)
      each.reset(each.rows === most ? rows : rows?.filter((row) => row < each.rows), "resetStates");
  });
}

/** The states among those of a checkpoint, and the others, which are the session's. */
export function splitStates(state: Tensors): { readonly carried: Tensors; readonly others: Tensors } {
  const entries = Object.entries(state);
  const isCarried = ([name]: [string, Tensor]): boolean => name.startsWith(STATES);
  return {
    carried: Object.fromEntries(entries.filter(isCarried)),
    others: Object.fromEntries(entries.filter((entry) => !isCarried(entry))),
  };
}
