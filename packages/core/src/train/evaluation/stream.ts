/** A stream: rows that are read as their steps come, and the states that they are in. */
import type { Executable } from "../../backend.ts";
import { StateError } from "../../errors.ts";
import type { Graph } from "../../ir/value.ts";
import { outputGraph } from "../../nn/build.ts";
import { withLengths } from "../../nn/carried.ts";
import { isTimeFirst } from "../../nn/kinds.ts";
import { OptionReader } from "../../nn/options.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import { streamedModel } from "../../nn/streamed.ts";
import type { Capacities } from "../../plan/binder.ts";
import { type Float32Tensor, float32, type Tensor } from "../../tensor.ts";
import type { Inputs } from "../data/named.ts";
import { StepReader } from "../data/stepReader.ts";
import { CarriedStates, lengthFeeds } from "../session/carriedStates.ts";
import type { Turns } from "../session/turns.ts";

/** Options of `stream`. */
export interface StreamOptions {
  /** Rows that are read side by side. Default 1. */
  readonly batchSize?: number;
}

/**
 * Rows that are read as their steps come. Each row is in a state of its own, and what comes out is what the whole row would give up to here: on `cpu()` and
 * `wasm()` to the bit, however its steps are split up. Streams of one predictor share its weights and no states. Calls may overlap: they run one
 * after another; until its turn comes do not change what a call was given.
 */
export interface Stream extends AsyncDisposable {
  readonly batchSize: number;
  /**
   * Reads on, and gives the (first) output of what was read. One step for each row: ids [rows], or features [rows, features], for an output [rows, …]; or
   * several, [rows, time] or [rows, time, features], as tensors, lists of any lengths or `{ values, lengths }`, for an output [rows, time, …] where it is
   * over time, which is zero after the end of each row. A row without a step keeps its state: it is an empty list, with `maskZero` also the id 0. Inputs
   * without time are given each time.
   *
   * @throws DataError, ShapeError, DTypeError that name the input and the row; StateError after `dispose`
   * @example await stream.step([12]) // a row, one id
   */
  step(x: Inputs): Promise<Float32Tensor>;
  /** Every output by name. */
  stepAll(x: Inputs): Promise<Readonly<Record<string, Float32Tensor>>>;
  /** Begins rows anew, all where none are named: `reset([2])`. @throws ConfigError for a row that there is not */
  reset(rows?: readonly number[]): Promise<void>;
  /** Lets go of the states. The weights stay with the predictor or trainer, whose `dispose` ends its streams, too. */
  dispose(): Promise<void>;
}

/** What runs the graph of a stream, and up to which sizes; absent: any. */
export interface StreamRunner {
  readonly executable: Pick<Executable, "run">;
  readonly capacities?: Capacities;
}

/** An output, and what tells how long its rows are; nothing where it has no time. */
interface Output {
  readonly name: string;
  readonly lengths: readonly string[];
}

/** Zeros in the place of what stands behind the end of each row, of [rows, time, …]. */
function clearEnds({ shape, data }: Float32Tensor, lengths: readonly (Tensor | undefined)[]): void {
  const [rows, time, ...rest] = shape as [number, number, ...number[]];
  const width = rest.reduce((product, size) => product * size, 1);
  for (let row = 0; row < rows; row++) {
    let end = 0;
    for (const known of lengths) end = Math.max(end, known?.data[row] as number);
    if (end < time) data.fill(0, (row * time + end) * width, (row + 1) * time * width);
  }
}

/** A stream over what runs its graph. */
export class ModelStream implements Stream {
  readonly batchSize: number;
  readonly #turns: Turns;
  readonly #open: (sizes: Capacities) => Promise<StreamRunner>;
  readonly #reader: StepReader;
  readonly #states: CarriedStates;
  readonly #outputs: readonly Output[];
  #runner: StreamRunner | undefined;
  #disposed = false;

  /**
   * @param open what runs the graph, with room for sizes
   * @throws ConfigError for a model that cannot take steps as they come, with the layer
   */
  constructor(
    spec: ModelSpec,
    options: StreamOptions,
    turns: Turns,
    open: (graph: () => Graph, sizes: Capacities) => Promise<StreamRunner>,
  ) {
    const read = new OptionReader("stream", options, ["batchSize"]);
    const { batchSize } = options;
    this.batchSize = batchSize === undefined ? 1 : read.integer("batchSize", 1);
    const whole = withLengths(spec);
    const built = streamedModel(whole);
    this.#turns = turns;
    this.#open = (sizes) => open(() => outputGraph(built), sizes);
    this.#reader = new StepReader(whole, this.batchSize);
    this.#states = new CarriedStates(built.carried, lengthFeeds(whole), "the stream").open(this.batchSize);
    Object.assign(this.#reader.feeds, this.#states.feeds);
    this.#outputs = built.outputs.map(({ name, flow }) => {
      const [time] = isTimeFirst(flow.kind) ? flow.values.type.shape : [];
      const over = spec.inputs.filter(({ kind, shape }) => kind !== "features" && shape[0] === time);
      return { name, lengths: over.map((input) => `${input.name}/lengths`) };
    });
  }

  async step(x: Inputs): Promise<Float32Tensor> {
    const outputs = await this.stepAll(x);
    return outputs[this.#outputs[0]?.name as string] as Float32Tensor;
  }

  async stepAll(x: Inputs): Promise<Readonly<Record<string, Float32Tensor>>> {
    this.#expectOpen();
    await this.#turns.take();
    try {
      this.#expectOpen();
      const rest = this.#turns.rest();
      if (rest) await rest;
      return await this.#stepAll(x);
    } finally {
      this.#turns.give();
    }
  }

  async #stepAll(x: Inputs): Promise<Readonly<Record<string, Float32Tensor>>> {
    const { feeds, steps } = this.#reader;
    const one = this.#reader.read(x);
    if (this.#runner === undefined || this.#isSmall(this.#runner))
      this.#runner = await this.#open({ batch: this.batchSize, ...steps });
    const fetched = await this.#runner.executable.run(feeds, this.#states.results);
    this.#states.goOn(feeds, fetched);
    const outputs: Record<string, Float32Tensor> = {};
    for (const { name, lengths } of this.#outputs) {
      const { shape, data } = fetched[name] as Tensor;
      const output = float32(shape, data);
      outputs[name] = output;
      if (lengths.length === 0) continue;
      clearEnds(
        output,
        lengths.map((feed) => feeds[feed]),
      );
      if (one) outputs[name] = float32([shape[0] as number, ...shape.slice(2)], output.data);
    }
    return outputs;
  }

  #isSmall({ capacities }: StreamRunner): boolean {
    const { steps } = this.#reader;
    for (const time in steps)
      if ((steps[time] as number) > (capacities?.[time] ?? Number.POSITIVE_INFINITY)) return true;
    return false;
  }

  async reset(rows?: readonly number[]): Promise<void> {
    this.#expectOpen();
    await this.#turns.inTurn(() => this.#states.reset(rows));
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #expectOpen(): void {
    if (this.#disposed) throw new StateError("this stream was disposed; open another");
    this.#turns.expectOpen();
  }
}
