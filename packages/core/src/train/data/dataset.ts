/** Data sets: the columns of a model's inputs and targets, checked against the model and each other before anything runs. */
import { DataError, ShapeError } from "../../errors.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import { targetFeed, type Weighing } from "../objective/graphs.ts";
import type { TargetSpec } from "../objective/target.ts";
import type { RowLengths } from "./batchOrder.ts";
import { type ClassWeights, weightsOfClasses } from "./classWeights.ts";
import type { Column, ColumnSpec } from "./column.ts";
import type { Fed } from "./fed.ts";
import { inputColumn } from "./inputColumn.ts";
import { fedWeights, type Labels, labelColumns } from "./labelColumns.ts";
import { type Inputs, inOrder } from "./named.ts";

/** Labelled rows. */
export interface Examples {
  readonly x: Inputs;
  /**
   * The targets; of a model with several outputs by the output's name. Those of an output that is not trained are not read, nor is what an output over
   * time has past a row's end, as padding has.
   */
  readonly y: Inputs;
  /**
   * How much each row counts in the loss and in `weightedMetrics`; of an output over time also each step, as [rows, time]. For every output the
   * same, or by the output's name; those of an output that is not trained are not read. Default 1.
   */
  readonly sampleWeights?: Inputs;
  /** The rows are batches of so many, as those of `continuousBatches`: `fit` and `evaluate` take it for their own option. */
  readonly batchSize?: number;
}

export interface Dataset {
  readonly rows: number;
  readonly fed: readonly Fed[];
  /** The longest row for each name of a time axis. */
  readonly longest: Readonly<Record<string, number>>;
  /** Where the rows are those of batches that have a program of their own: no row of these has more steps. See `preparedBatches`. */
  readonly reach?: number;
  /** By output, where rows or steps have weights. */
  readonly weighing: Readonly<Record<string, Weighing>>;
  /** Where the rows are batches of so many. */
  readonly batchSize?: number;
}

/**
 * Reads and checks inputs, and targets where there are any.
 *
 * @throws DataError, ShapeError, DTypeError with the name of the column and the row
 */
export function readDataset(spec: ModelSpec, x: Inputs, labels?: Labels): Dataset {
  const names = spec.inputs.map(({ name }) => name);
  const fed = inOrder("x", "input", names, x).map((rows, index) => inputColumn(spec, index, rows));
  const outputs = spec.outputs.map(({ name }) => name);
  if (labels) fed.push(...labelColumns(outputs, labels));
  const [first] = fed as [Fed, ...Fed[]];
  const { rows } = first.column;
  if (rows === 0) throw new DataError(`${first.column.spec.label} has no rows`);
  for (const { column } of fed) {
    if (column.rows !== rows) {
      throw new ShapeError(`${column.spec.label} has ${column.rows} rows, ${first.column.spec.label} has ${rows}`);
    }
  }
  const longest: Record<string, number> = {};
  for (const { column, leads } of fed) {
    const { time } = column.spec;
    if (leads && typeof time === "string")
      longest[time] = column.lengths.reduce((most, length) => Math.max(most, length), longest[time] ?? 1);
  }
  checkWhole(fed);
  const dataset: Dataset = { rows, fed, longest, weighing: weighingOf(fed) };
  for (const { column, leads } of fed) if (!leads) checkFollows(column, dataset);
  for (const target of labels?.targets ?? []) checkTarget(target, dataset);
  return dataset;
}

/** The length of each row, that of its longest column with a time of its own, 1 where there is none; then its length along each time axis. */
export function rowLengths(dataset: Dataset): RowLengths {
  const timed = dataset.fed.filter(({ column, leads }) => leads && column.spec.time !== undefined);
  const longest = Int32Array.from({ length: dataset.rows }, (_, row) =>
    timed.reduce((most, { column }) => Math.max(most, column.lengths[row] as number), 1),
  );
  return [longest, ...Object.keys(dataset.longest).map((time) => lengthsOver(dataset, time))];
}

const weighingOf = (fed: readonly Fed[]): Dataset["weighing"] =>
  Object.fromEntries(
    fed.flatMap(({ weighs, column }) =>
      weighs === undefined ? [] : [[weighs, column.spec.time === undefined ? "rows" : "steps"]],
    ),
  );

/** The same rows, each with the weight of its class; where the target is over time each step. */
export function weighClasses(dataset: Dataset, target: TargetSpec, classWeight: ClassWeights): Dataset {
  const { fed } = dataset;
  const { spec, rows, data, starts, lengths, ragged } = targetsIn(dataset, target) as Column;
  const { width, time } = spec;
  const form: ColumnSpec = { label: "classWeight", dtype: "float32", width: 1, widthAxis: false };
  const column: Column = {
    spec: time === undefined ? form : { ...form, time },
    rows,
    data: weightsOfClasses(classWeight, data, width),
    starts: starts.map((start) => start / width),
    lengths,
    ragged,
  };
  const all = [...fed, fedWeights(target, column)];
  return { ...dataset, fed: all, weighing: weighingOf(all) };
}

/** The column of the targets. */
export function targetsIn(dataset: Dataset, target: TargetSpec): Column | undefined {
  return dataset.fed.find(({ feed }) => feed === targetFeed(target.name))?.column;
}

/** The inputs whose time axis has this name. */
function inputsOver({ fed }: Dataset, time: string): Column[] {
  return fed.filter(({ column, leads }) => leads && column.spec.time === time).map(({ column }) => column);
}

/** The length of each row along the time axis of this name: that of the longest input that has it. */
export function lengthsOver(dataset: Dataset, time: string): Int32Array {
  const columns = inputsOver(dataset, time);
  return Int32Array.from({ length: dataset.rows }, (_, row) =>
    columns.reduce((most, { lengths }) => Math.max(most, lengths[row] as number), 0),
  );
}

/**
 * What is over time, a target or weights of steps, must reach as far as each row of the inputs with the same time axis; where rows are trees, and it has rows of
 * lengths of their own, as far and no further.
 */
function checkFollows(column: Column, dataset: Dataset): void {
  const { time, label } = column.spec;
  if (typeof time !== "string") return;
  for (const { spec, lengths, trees } of inputsOver(dataset, time)) {
    for (let row = 0; row < column.rows; row++) {
      const beyond = (column.lengths[row] as number) - (lengths[row] as number);
      if (beyond < 0 || (beyond > 0 && trees && column.ragged)) {
        throw new ShapeError(
          `${label}, row ${row} has ${column.lengths[row]} steps, ${spec.label} has ${lengths[row]}${trees ? " nodes" : ""}`,
        );
      }
    }
  }
}

/** Lets the loss look at each row of its targets, where it wants to. */
function checkTarget(target: TargetSpec, dataset: Dataset): void {
  const { check, outputTime, ragged } = target;
  const column = targetsIn(dataset, target);
  if (check === undefined || column === undefined) return;
  const { data, starts, lengths, spec } = column;
  const stepsOf = typeof outputTime === "string" ? lengthsOver(dataset, outputTime) : undefined;
  for (let row = 0; row < dataset.rows; row++) {
    const steps = stepsOf ? (stepsOf[row] as number) : Number(outputTime ?? 1);
    const length = lengths[row] as number;
    const start = starts[row] as number;
    const counted = ragged || spec.time === undefined ? length : Math.min(length, steps);
    const wrong = check(data.subarray(start, start + counted * spec.width), steps);
    if (wrong !== undefined) throw new DataError(`${spec.label}, row ${row}: ${wrong}`);
  }
}

/** An input without lengths must be as long as every other over the same time: what would fill it up would count. */
function checkWhole(fed: readonly Fed[]): void {
  for (const { column, whole } of fed) {
    if (!whole) continue;
    const own = column.lengths[0] as number;
    for (const other of fed) {
      if (!other.leads || other.column.spec.time !== column.spec.time) continue;
      const row = other.column.lengths.findIndex((length) => length > own);
      if (row < 0) continue;
      throw new ShapeError(
        `${column.spec.label} has ${own} steps, ${other.column.spec.label}, row ${row} has ${other.column.lengths[row]} over the same time "${column.spec.time}"; ` +
          `give ${column.spec.label} lengths: true (ids: an embedding with maskZero: true), or pad its rows`,
      );
    }
  }
}
