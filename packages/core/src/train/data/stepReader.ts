/** The steps that a stream is given, written into feeds that are used again. */
import { ShapeError } from "../../errors.ts";
import type { InputSpec } from "../../nn/layer.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import { int32, type Tensor } from "../../tensor.ts";
import { inOrder as rowsInOrder } from "./batchOrder.ts";
import {
  type BatchBuffer,
  bufferFor,
  type Column,
  type ColumnSpec,
  copyNumbers,
  isTensor,
  type Rows,
  readColumn,
  writeBatch,
} from "./column.ts";
import { got, isList } from "./element.ts";
import { columnChecks, inputForm } from "./inputColumn.ts";
import { type Inputs, inOrder } from "./named.ts";

/** Whether data over time is one step for each row: [rows] of ids, [rows, features] of sequences. A row without a step is an empty list then. */
function isOneStep({ width, widthAxis }: ColumnSpec, data: Rows): boolean {
  if (isTensor(data)) {
    const rank = data.shape.length;
    return widthAxis && rank > 1 ? rank === 2 && data.shape[1] === width : rank === 1;
  }
  if (!isList(data) || data.length === 0) return false;
  if (!widthAxis) return !isList(data[0]);
  for (let row = 0; row < data.length; row++) {
    const step = data[row];
    if (!isList(step)) return width === 1;
    if (step.length > 0) return !isList(step[0]) && step.length === width;
  }
  return false;
}

/** One input: its data as it was given last, and the buffers that it is fed from. */
class StepInput {
  readonly name: string;
  /** The steps of each row. */
  readonly lengths: Int32Array;
  readonly #rows: number;
  readonly #order: Int32Array;
  readonly #form: ColumnSpec;
  /** Of one step: the form without time. */
  readonly #ofStep: ColumnSpec;
  readonly #check: ReturnType<typeof columnChecks>;
  readonly #arrays = new Map<string, BatchBuffer["data"]>();
  readonly #starts: Float64Array;
  /** A step of one number. */
  readonly #number: unknown[] = [0];
  #buffer: BatchBuffer;
  /** What is to be written: a column, or a list with one step for each row. */
  #given: Column | ArrayLike<unknown> = [];

  constructor(spec: ModelSpec, index: number, rows: number) {
    const input = spec.inputs[index] as InputSpec;
    this.name = input.name;
    this.#rows = rows;
    this.#order = rowsInOrder(rows);
    this.#form = inputForm(input);
    const { time: _, ...ofStep } = this.#form;
    this.#ofStep = ofStep;
    this.#check = columnChecks(spec, index);
    this.lengths = new Int32Array(rows);
    this.#starts = new Float64Array(rows);
    this.#buffer = bufferFor(this.#form, rows, 1, this.name, this.#arrays);
  }

  /** The name of its time axis, if it has one. */
  get time(): string | undefined {
    return this.#form.time as string | undefined;
  }

  /** Takes data and tells how many steps the longest row has; -1 where the data is one step for each row. */
  take(data: Rows): number {
    const one = this.time !== undefined && isOneStep(this.#form, data);
    if (one && !isTensor(data)) {
      this.#given = data as ArrayLike<unknown>;
      this.#expectRows(this.#given.length);
      return -1;
    }
    const column = readColumn(one ? this.#ofStep : this.#form, data);
    this.#expectRows(column.rows);
    this.#given = this.#check(column).column;
    if (one) return -1;
    return this.#given.lengths.reduce((most, length) => Math.max(most, length), 1);
  }

  /** Writes what was taken, filled up with zeros to `steps`, and how long each row is. */
  write(steps: number, feeds: Record<string, Tensor>): void {
    if (this.#buffer.data.length < this.#rows * steps * this.#form.width) {
      this.#buffer = bufferFor(this.#form, this.#rows, steps, this.name, this.#arrays);
    }
    const given = this.#given;
    if ("lengths" in given) {
      writeBatch(given, this.#order, 0, this.#rows, steps, this.#buffer);
      this.lengths.set(given.lengths);
    } else this.#writeStep(given, steps);
    feeds[this.name] = this.#buffer as Tensor;
    if (this.time === undefined) return;
    this.#buffer.shape[1] = steps;
    feeds[`${this.name}/lengths`] ??= int32([this.#rows], this.lengths);
  }

  #writeStep(given: ArrayLike<unknown>, steps: number): void {
    const { width, widthAxis, label } = this.#form;
    const { data } = this.#buffer;
    const flat = !widthAxis || !isList(given[0]);
    data.fill(0, 0, this.#rows * steps * width);
    for (let row = 0; row < this.#rows; row++) {
      const step = given[row];
      const at = row * steps * width;
      this.#starts[row] = at;
      if (!flat && isList(step) && step.length === 0) {
        this.lengths[row] = 0;
        continue;
      }
      if (flat) this.#number[0] = step;
      else if (!isList(step) || step.length !== width)
        throw new ShapeError(
          `${label}: a step has ${width} numbers, that of row ${row} is ${got(step)}${isList(step) ? ` of ${step.length}` : ""}`,
        );
      copyNumbers(this.#form, flat ? this.#number : (step as ArrayLike<unknown>), data, at, row);
      this.lengths[row] = 1;
    }
    const written: Column = {
      spec: this.#form,
      rows: this.#rows,
      data,
      starts: this.#starts,
      lengths: this.lengths,
      ragged: false,
    };
    this.lengths.set(this.#check(written).column.lengths);
  }

  #expectRows(rows: number): void {
    if (rows !== this.#rows)
      throw new ShapeError(
        `${this.#form.label} has ${rows} ${rows === 1 ? "row" : "rows"}, the stream ${this.#rows}; a row without a step is an empty list: [[…], []]`,
      );
  }
}

/** All inputs of a model, for streams of so many rows. */
export class StepReader {
  readonly #names: readonly string[];
  readonly #inputs: readonly StepInput[];
  /** What was read last, with the lengths of rows. */
  readonly feeds: Record<string, Tensor> = {};
  /** The steps of the longest row by the name of the time axis. */
  readonly steps: Record<string, number> = {};

  constructor(spec: ModelSpec, rows: number) {
    this.#names = spec.inputs.map(({ name }) => name);
    this.#inputs = spec.inputs.map((_, index) => new StepInput(spec, index, rows));
  }

  /** Reads and checks data; returns whether it was one step for each row. @throws DataError, ShapeError, DTypeError that name the input and the row */
  read(x: Inputs): boolean {
    const { steps } = this;
    const data = inOrder("x", "input", this.#names, x);
    for (const time in steps) steps[time] = 1;
    let one = true;
    for (let i = 0; i < data.length; i++) {
      const input = this.#inputs[i] as StepInput;
      const most = input.take(data[i] as Rows);
      if (input.time === undefined) continue;
      if (most >= 0) one = false;
      steps[input.time] = Math.max(steps[input.time] ?? 1, most);
    }
    for (const input of this.#inputs)
      input.write(input.time === undefined ? 1 : (steps[input.time] as number), this.feeds);
    for (let i = 1; i < this.#inputs.length; i++) this.#expectAlike(this.#inputs[i] as StepInput);
    return one;
  }

  /** Inputs over one time go on together: steps of one that come later would meet other steps of the other than in the whole row. */
  #expectAlike(input: StepInput): void {
    for (const other of this.#inputs) {
      if (other === input) return;
      if (other.time === undefined || other.time !== input.time) continue;
      const row = other.lengths.findIndex((length, at) => length !== input.lengths[at]);
      if (row >= 0)
        throw new ShapeError(
          `row ${row} has ${other.lengths[row]} steps of "${other.name}" and ${input.lengths[row]} of "${input.name}", which are over the same time "${input.time}"; give it as many of each`,
        );
    }
  }
}
