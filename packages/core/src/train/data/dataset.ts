/** Data sets: the columns of a model's inputs and targets, checked against the model before anything runs. */
import { DataError, ShapeError } from "../../errors.ts";
import type { EmbeddingConfig } from "../../nn/embedding.ts";
import type { InputSpec } from "../../nn/layer.ts";
import { isRecord } from "../../nn/options.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import type { Tensors } from "../../tensor.ts";
import { SAMPLE_WEIGHTS, targetFeed, type Weighing } from "../objective/graphs.ts";
import type { TargetSpec } from "../objective/target.ts";
import { type ClassWeights, weightsOfClasses } from "./classWeights.ts";
import {
  type BatchBuffer,
  bufferFor,
  type Column,
  type ColumnSpec,
  isOneNumberARow,
  type Rows,
  readColumn,
  writeBatch,
} from "./column.ts";

/** The data of one input, or of several by name. */
export type Inputs = Rows | Readonly<Record<string, Rows>>;

/** Labelled rows. */
export interface Examples {
  readonly x: Inputs;
  readonly y: Rows;
  /** How much each row counts in the loss and in `weightedMetrics`; of an output over time also each step, as [rows, time]. Default 1. */
  readonly sampleWeights?: Rows;
}

/** A column and how it is fed. */
interface Fed {
  readonly feed: string;
  readonly column: Column;
  /** The feed for the lengths of its rows, where the model asks for them. */
  readonly lengthsFeed?: string;
  /** An input with a time axis whose steps all count, to the end of the batch. */
  readonly whole?: boolean;
  /** Its rows decide how long a batch is; targets follow. */
  readonly leads: boolean;
}

export interface Dataset {
  readonly rows: number;
  readonly fed: readonly Fed[];
  /** The longest row for each name of a time axis. */
  readonly longest: Readonly<Record<string, number>>;
  readonly weighing: Weighing;
}

/** What the layers that read an input ask of its ids. */
interface IdRules {
  readonly owner: string;
  readonly inputDim: number;
  /** Some reader takes zeros for padding, so that none may stand before the last id. */
  readonly padded: boolean;
  /** Every reader does, so that rows may be cut after their last id. */
  readonly masked: boolean;
}

function idRules(spec: ModelSpec, input: number): IdRules | undefined {
  const readers = spec.calls
    .filter((call) => call.sources.some((source) => "input" in source && source.input === input))
    .map((call) => spec.layers[call.layer] as ModelSpec["layers"][number])
    .filter((layer) => layer.kind === "embedding");
  const configs = readers.map((layer) => layer.config as EmbeddingConfig);
  const smallest = configs.toSorted((a, b) => a.inputDim - b.inputDim)[0];
  if (smallest === undefined) return undefined;
  const owner = readers[configs.indexOf(smallest)]?.name ?? "";
  return {
    owner: `embedding "${owner}"`,
    inputDim: smallest.inputDim,
    padded: configs.some((config) => config.maskZero),
    masked: configs.every((config) => config.maskZero),
  };
}

/** Checks ids, and cuts rows of masked ones after their last id. */
function checkIds(column: Column, rules: IdRules): Column {
  const { data, starts, steps, rows, spec } = column;
  const lengths = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = starts[row] as number;
    let end = 0;
    let zero = -1;
    for (let t = 0; t < (steps[row] as number); t++) {
      const id = data[start + t] as number;
      if (id < 0 || id >= rules.inputDim) {
        throw new DataError(
          `${rules.owner}: ${spec.label}, row ${row} has the id ${id} at step ${t}, outside 0 … ${rules.inputDim - 1} (inputDim: ${rules.inputDim})`,
        );
      }
      if (id !== 0) end = t + 1;
      else if (zero < 0) zero = t;
    }
    if (rules.padded && zero >= 0 && zero < end) {
      throw new DataError(
        `${rules.owner}: ${spec.label}, row ${row} has id 0 at step ${zero}, before its last word; with maskZero 0 is padding and stands behind: ` +
          `padSequences(…, { padding: "post" }), and an id of their own for unknown words`,
      );
    }
    lengths[row] = end;
  }
  return rules.masked ? { ...column, steps: lengths } : column;
}

function inputColumn(spec: ModelSpec, index: number, data: Rows): Fed {
  const { name, kind, shape, lengths } = spec.inputs[index] as InputSpec;
  const time = kind === "features" ? undefined : (shape[0] as string);
  const width = kind === "ids" ? 1 : (shape.at(-1) as number);
  const form: ColumnSpec = {
    label: `input "${name}"`,
    dtype: kind === "ids" ? "int32" : "float32",
    ...(time === undefined ? {} : { time }),
    width,
    widthAxis: kind !== "ids",
    ...(kind === "ids" ? { ofTexts: "texts become ids by encodeTexts(vocabulary, texts) of @ostinato/text" } : {}),
  };
  const column = readColumn(form, data);
  const rules = kind === "ids" ? idRules(spec, index) : undefined;
  if (column.ragged && !lengths && !rules?.masked) {
    const row = column.steps.findIndex((steps) => steps !== column.steps[0]);
    const other = row < 0 ? "" : `, row ${row} ${column.steps[row]}`;
    const way = kind === "ids" ? "give the embedding maskZero: true" : "give the input lengths: true";
    throw new DataError(
      `${form.label} is ragged: row 0 has ${column.steps[0]} steps${other}, and the model does not know lengths; ${way}, or pad the rows to one length`,
    );
  }
  const checked = rules ? checkIds(column, rules) : column;
  const whole = time !== undefined && !lengths && !rules?.masked;
  return { feed: name, column: checked, leads: true, whole, ...(lengths ? { lengthsFeed: `${name}/lengths` } : {}) };
}

function targetColumn(target: TargetSpec, data: Rows): Fed {
  const { dtype, shape, classes, probability } = target;
  const time = typeof shape[1] === "string" ? shape[1] : undefined;
  const last = shape.at(-1);
  const widthAxis = dtype === "float32";
  const column = readColumn(
    {
      label: `y of "${target.name}"`,
      dtype,
      ...(time === undefined ? {} : { time }),
      width: widthAxis ? (last as number) : 1,
      widthAxis,
      ofTexts: `labels become numbers by encodeLabels(labelEncoder(labels), labels) of @ostinato/text${widthAxis && last !== 1 ? ", and a loss for such is sparseCategoricalCrossentropy()" : ""}`,
    },
    data,
  );
  const { spec, starts, steps } = column;
  for (let row = 0; row < column.rows; row++) {
    const start = starts[row] as number;
    for (let i = start; i < start + (steps[row] as number) * spec.width; i++) {
      const value = column.data[i] as number;
      if (classes !== undefined && (value < 0 || value >= classes)) {
        throw new DataError(
          `${spec.label}, row ${row}: the label ${value} is outside the ${classes} classes 0 … ${classes - 1}`,
        );
      }
      if (probability && !(value >= 0 && value <= 1)) {
        throw new DataError(
          `${spec.label}, row ${row}: the target ${value} is outside 0 … 1, which crossentropy takes`,
        );
      }
    }
  }
  return { feed: targetFeed(target.name), column, leads: false };
}

/** The data of each input of the model, in its order. */
function inputsInOrder(spec: ModelSpec, x: Inputs): Rows[] {
  const names = spec.inputs.map((input) => input.name);
  const record =
    isRecord(x) && !ArrayBuffer.isView(x) && !("dtype" in x && "data" in x) && !("values" in x && "lengths" in x);
  if (!record) {
    if (names.length > 1)
      throw new DataError(`the model has ${names.length} inputs; give x as a record of ${names.join(", ")}`);
    return [x as Rows];
  }
  const given = x as Readonly<Record<string, Rows>>;
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new DataError(`the model has no input "${unknown}"; it has ${names.join(", ")}`);
  return names.map((name) => {
    const rows = Object.hasOwn(given, name) ? given[name] : undefined;
    if (rows === undefined) throw new DataError(`x has no data for the input "${name}"`);
    return rows;
  });
}

/**
 * Reads and checks inputs, and targets where there are any.
 *
 * @throws DataError, ShapeError, DTypeError with the name of the column and the row
 */
export function readDataset(
  spec: ModelSpec,
  x: Inputs,
  targets?: { target: TargetSpec; y: Rows; sampleWeights?: Rows },
): Dataset {
  const fed = inputsInOrder(spec, x).map((rows, index) => inputColumn(spec, index, rows));
  if (targets) fed.push(targetColumn(targets.target, targets.y));
  const weights = targets?.sampleWeights && readWeights(targets.target, targets.sampleWeights);
  if (weights) fed.push(fedWeights(weights));
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
    if (leads && time !== undefined)
      longest[time] = column.steps.reduce((most, steps) => Math.max(most, steps), longest[time] ?? 1);
  }
  checkWhole(fed);
  const dataset: Dataset = { rows, fed, longest, weighing: weighingOf(weights) };
  for (const { column, leads } of fed) if (!leads) checkFollows(column, dataset);
  return dataset;
}

/** The steps of each row, of its longest input; 1 where no input has time. */
export function rowLengths({ rows, fed }: Dataset): Int32Array {
  const timed = fed.filter(({ column, leads }) => leads && column.spec.time !== undefined);
  return Int32Array.from({ length: rows }, (_, row) =>
    timed.reduce((most, { column }) => Math.max(most, column.steps[row] as number), 1),
  );
}

/** Weights of rows, or of steps where the target has time and they are given so. */
function readWeights({ shape }: TargetSpec, weights: Rows): Column {
  const form: ColumnSpec = { label: "sampleWeights", dtype: "float32", width: 1, widthAxis: false };
  const time = shape[1];
  return readColumn(typeof time === "string" && !isOneNumberARow(weights) ? { ...form, time } : form, weights);
}

const fedWeights = (column: Column): Fed => ({ feed: SAMPLE_WEIGHTS, column, leads: false });

function weighingOf(weights: Column | undefined): Weighing {
  if (weights === undefined) return "none";
  return weights.spec.time === undefined ? "rows" : "steps";
}

/** The same rows, each with the weight of its class; where the target is over time each step. */
export function weighClasses(dataset: Dataset, target: TargetSpec, classWeight: ClassWeights): Dataset {
  const { fed } = dataset;
  const { spec, rows, data, starts, steps, ragged } = targetsIn(dataset, target) as Column;
  const { width, time } = spec;
  const form: ColumnSpec = { label: "classWeight", dtype: "float32", width: 1, widthAxis: false };
  const column: Column = {
    spec: time === undefined ? form : { ...form, time },
    rows,
    data: weightsOfClasses(classWeight, data, width),
    starts: starts.map((start) => start / width),
    steps,
    ragged,
  };
  return { ...dataset, fed: [...fed, fedWeights(column)], weighing: weighingOf(column) };
}

/** The column of the targets. */
export function targetsIn(dataset: Dataset, target: TargetSpec): Column | undefined {
  return dataset.fed.find(({ feed }) => feed === targetFeed(target.name))?.column;
}

/** The inputs whose time axis has this name. */
function inputsOver({ fed }: Dataset, time: string): Column[] {
  return fed.filter(({ column, leads }) => leads && column.spec.time === time).map(({ column }) => column);
}

/** The steps of each row along the time axis of this name: those of the longest input that has it. */
export function stepsOver(dataset: Dataset, time: string): Int32Array {
  const columns = inputsOver(dataset, time);
  return Int32Array.from({ length: dataset.rows }, (_, row) =>
    columns.reduce((most, { steps }) => Math.max(most, steps[row] as number), 0),
  );
}

/** What is over time, a target or weights of steps, must reach as far as each row of the inputs with the same time axis. */
function checkFollows(column: Column, dataset: Dataset): void {
  const { time, label } = column.spec;
  if (time === undefined) return;
  for (const input of inputsOver(dataset, time)) {
    for (let row = 0; row < column.rows; row++) {
      if ((column.steps[row] as number) < (input.steps[row] as number)) {
        throw new ShapeError(
          `${label}, row ${row} has ${column.steps[row]} steps, ${input.spec.label} has ${input.steps[row]}`,
        );
      }
    }
  }
}

/** An input without lengths must be as long as every other over the same time: what would fill it up would count. */
function checkWhole(fed: readonly Fed[]): void {
  for (const { column, whole } of fed) {
    if (!whole) continue;
    const own = column.steps[0] as number;
    for (const other of fed) {
      if (!other.leads || other.column.spec.time !== column.spec.time) continue;
      const row = other.column.steps.findIndex((steps) => steps > own);
      if (row < 0) continue;
      throw new ShapeError(
        `${column.spec.label} has ${own} steps, ${other.column.spec.label}, row ${row} has ${other.column.steps[row]} over the same time "${column.spec.time}"; ` +
          `give ${column.spec.label} lengths: true (ids: an embedding with maskZero: true), or pad its rows`,
      );
    }
  }
}

/** The form in which the lengths of rows are fed. */
const lengthsSpec: ColumnSpec = { label: "lengths", dtype: "int32", width: 1, widthAxis: false };

/** The feeds of one batch after another, in buffers that are used again. */
export interface BatchWriter {
  readonly feeds: Tensors;
  /** Writes rows `order[from]` … `order[from + count - 1]`, as long as the longest of them. */
  write(order: Int32Array, from: number, count: number): void;
}

/** Arrays for batches, by feed. They are used again where they are large enough. */
export type BatchArrays = Map<string, BatchBuffer["data"]>;

/** Buffers for batches of up to `batch` rows of a data set. */
export function batchWriter({ fed, longest }: Dataset, batch: number, arrays: BatchArrays = new Map()): BatchWriter {
  const buffers = fed.map(({ feed, column }) =>
    bufferFor(column.spec, batch, longest[column.spec.time ?? ""] ?? 1, feed, arrays),
  );
  const lengths = fed.map(({ lengthsFeed = "" }) =>
    lengthsFeed === "" ? undefined : bufferFor(lengthsSpec, batch, 1, lengthsFeed, arrays),
  );
  const feeds: Record<string, BatchBuffer> = {};
  fed.forEach(({ feed, lengthsFeed }, i) => {
    feeds[feed] = buffers[i] as BatchBuffer;
    if (lengthsFeed !== undefined) feeds[lengthsFeed] = lengths[i] as BatchBuffer;
  });
  const sizes: Record<string, number> = {};
  return {
    feeds: feeds as Tensors,
    write(order, from, count) {
      for (const time in longest) sizes[time] = 1;
      for (let f = 0; f < fed.length; f++) {
        const { column, leads } = fed[f] as Fed;
        const { time } = column.spec;
        if (!leads || time === undefined) continue;
        let most = sizes[time] as number;
        for (let i = 0; i < count; i++) most = Math.max(most, column.steps[order[from + i] as number] as number);
        sizes[time] = most;
      }
      for (let f = 0; f < fed.length; f++) {
        const { column, lengthsFeed } = fed[f] as Fed;
        const steps = column.spec.time === undefined ? 1 : (sizes[column.spec.time] as number);
        writeBatch(column, order, from, count, steps, buffers[f] as BatchBuffer);
        if (lengthsFeed === undefined) continue;
        const own = lengths[f] as BatchBuffer;
        for (let i = 0; i < count; i++) own.data[i] = column.steps[order[from + i] as number] as number;
        own.shape[0] = count;
      }
    },
  };
}
