/** Columns: the data of one input or target, checked once and laid out so that a batch of any rows can be written without allocating. */
import { DataError, DTypeError, ShapeError } from "../../errors.ts";
import { type Dim, showShape } from "../../ir/value.ts";
import { isRecord, shown } from "../../nn/options.ts";
import type { TreesRead } from "../../nn/trees/reader.ts";
import type { Tree } from "../../nn/trees/tree.ts";
import { classOf, dtypes, holds, type Tensor } from "../../tensor.ts";
import { got, isList, numberFrom, type Scalar } from "./element.ts";

/**
 * Rows as users hold them: a tensor, one number a row, one list a row (of any length where there is time), a list of vectors a row, or for an input of trees a tree a row. In
 * lists truth values are 0 and 1, and whole numbers may be bigints, in a `BigInt64Array`, say.
 */
export type Rows =
  | Tensor
  | ArrayLike<Scalar>
  | readonly ArrayLike<Scalar>[]
  | readonly (readonly ArrayLike<Scalar>[])[]
  | readonly Tree[]
  | { readonly values: Tensor; readonly lengths: ArrayLike<number> };

/** The form that a column must have. */
export interface ColumnSpec {
  /** How errors call it: `input "words"`, `y`. */
  readonly label: string;
  readonly dtype: "float32" | "int32";
  /** Its time axis, where it has one: the name, or how many steps every row has. */
  readonly time?: Dim;
  /** Numbers a row, or a step. */
  readonly width: number;
  /** The last axis, of size `width`, is part of the shape. With a width of 1 it may be left out. */
  readonly widthAxis: boolean;
  /** What to do about a text where a number should be; completes an error. */
  readonly ofTexts?: string;
  /** What to do about rows of several numbers where there is no time; completes an error. */
  readonly ofSteps?: string;
  /** What errors call a step where they are to name it. */
  readonly step?: string;
}

/** The data of all rows, one after the other. */
export interface Column {
  readonly spec: ColumnSpec;
  readonly rows: number;
  readonly data: Float32Array | Int32Array;
  /** Where each row begins in `data`. */
  readonly starts: Float64Array;
  /** The steps of each row; 1 where there is no time. */
  readonly lengths: Int32Array;
  /** The rows were given with lengths of their own, or as lists of different lengths. */
  readonly ragged: boolean;
  /** Where rows are trees: their structure. */
  readonly trees?: TreesRead;
}

type Numbers = ArrayLike<unknown>;

export function isTensor(data: unknown): data is Tensor {
  return isRecord(data) && "dtype" in data && "shape" in data && "data" in data;
}

/** The form that the user's data should have, batch first. */
function wanted({ dtype, time, width, widthAxis }: ColumnSpec): string {
  const axes = ["rows", ...(time === undefined ? [] : [time]), ...(widthAxis ? [width] : [])];
  return `${dtype}${showShape(axes)}`;
}

/** What to do about something that is no number. */
function remedy({ ofTexts }: ColumnSpec, value: unknown): string {
  if (typeof value === "string") return ofTexts === undefined ? "" : `; ${ofTexts}`;
  if (isRecord(value) && "parents" in value) return "; trees are for an input with tree: true";
  return value === null || value === undefined ? "; leave out rows of which it is not known" : "";
}

/** Copies numbers, checking each: whole ones for int32, and no NaN or infinity. Without `row` each number is a row of its own. */
export function copyNumbers(
  spec: ColumnSpec,
  from: Numbers,
  to: Float32Array | Int32Array,
  at: number,
  row?: number,
): void {
  const whole = spec.dtype === "int32";
  for (let i = 0; i < from.length; i++) {
    const given = from[i];
    const value = typeof given === "number" ? given : numberFrom(given);
    const fits = whole
      ? Number.isInteger(value) && Math.abs(value as number) < 2 ** 31
      : typeof value === "number" && Number.isFinite(Math.fround(value));
    if (!fits) {
      const wish = whole ? "a whole number" : "a finite number";
      const step = spec.step === undefined ? "" : `, ${spec.step} ${Math.floor(i / spec.width)}`;
      throw new DataError(
        `${spec.label}, row ${row ?? i}${step}: ${wish} is wanted, got ${got(given)}${remedy(spec, given)}`,
      );
    }
    to[at + i] = value as number;
  }
}

function allocate(spec: ColumnSpec, size: number): Float32Array | Int32Array {
  return spec.dtype === "int32" ? new Int32Array(size) : new Float32Array(size);
}

/** Tensors are plain data, so anything may call itself one. */
function checkTensor({ label }: ColumnSpec, { dtype, shape, data }: Tensor): void {
  const held = classOf(data);
  if (!dtypes.includes(dtype)) {
    const way = held.startsWith("Big") ? `; its ${held} is taken as a list` : "";
    throw new DTypeError(`${label}: a tensor is of ${dtypes.join(", ")}, got ${shown(dtype)}${way}`);
  }
  if (!holds(dtype, data))
    throw new DTypeError(`${label}: a tensor of ${shown(dtype)} cannot hold its numbers in ${held}`);
  if (!Array.isArray(shape) || !shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
    throw new ShapeError(`${label}: a shape is a list of whole numbers from 0 on, got ${shown(shape)}`);
}

function fromTensor(spec: ColumnSpec, tensor: Tensor): Column {
  checkTensor(spec, tensor);
  const { shape } = tensor;
  if (spec.dtype === "int32" && tensor.dtype !== "int32" && tensor.dtype !== "bool") {
    throw new DTypeError(`${spec.label} must be ${wanted(spec)}, got ${tensor.dtype}${showShape(shape)}`);
  }
  const axes = 1 + (spec.time === undefined ? 0 : 1);
  const full = spec.widthAxis && shape.length === axes + 1 && shape.at(-1) === spec.width;
  const bare = (!spec.widthAxis || spec.width === 1) && shape.length === axes;
  if (!full && !bare)
    throw new ShapeError(`${spec.label} must be ${wanted(spec)}, got ${tensor.dtype}${showShape(shape)}`);
  const rows = shape[0] as number;
  const time = spec.time === undefined ? 1 : (shape[1] as number);
  const size = rows * time * spec.width;
  if (tensor.data.length < size)
    throw new ShapeError(
      `${spec.label}: ${showShape(shape)} needs ${size} numbers, the data has ${tensor.data.length}`,
    );
  const rowSize = time * spec.width;
  const same = tensor.dtype === spec.dtype;
  const data = same ? (tensor.data as Float32Array | Int32Array) : allocate(spec, size);
  if (!same) for (let i = 0; i < size; i++) data[i] = tensor.data[i] as number;
  if (spec.dtype === "float32") {
    for (let i = 0; i < size; i++) {
      if (!Number.isFinite(data[i]))
        throw new DataError(`${spec.label}, row ${Math.floor(i / rowSize)}: a finite number is wanted, got ${data[i]}`);
    }
  }
  return {
    spec,
    rows,
    data,
    starts: Float64Array.from({ length: rows }, (_, row) => row * rowSize),
    lengths: new Int32Array(rows).fill(time),
    ragged: false,
  };
}

/** The steps of one row as a flat list of numbers. */
function flatRow(spec: ColumnSpec, row: unknown, index: number): Numbers {
  const bad = (): ShapeError =>
    new ShapeError(`${spec.label} must be ${wanted(spec)}; row ${index} is ${got(row)}${remedy(spec, row)}`);
  if (spec.time === undefined || !spec.widthAxis) {
    if (!isList(row)) throw bad();
    if (spec.time === undefined && row.length !== spec.width) {
      const way = spec.ofSteps === undefined ? "" : `; ${spec.ofSteps}`;
      throw new ShapeError(`${spec.label} must be ${wanted(spec)}; row ${index} has ${row.length} numbers${way}`);
    }
    return row;
  }
  if (!isList(row)) throw bad();
  const out: unknown[] = [];
  for (let t = 0; t < row.length; t++) {
    const step = row[t];
    if (spec.width === 1 && typeof numberFrom(step) === "number") {
      out.push(step);
      continue;
    }
    if (!isList(step) || step.length !== spec.width) {
      throw new ShapeError(
        `${spec.label} must be ${wanted(spec)}; step ${t} of row ${index} does not have ${spec.width} numbers`,
      );
    }
    for (let k = 0; k < step.length; k++) out.push(step[k]);
  }
  return out;
}

function fromLists(spec: ColumnSpec, lists: ArrayLike<unknown>): Column {
  const rows = Array.from(lists, (row, index) => flatRow(spec, row, index));
  const starts = new Float64Array(rows.length);
  const lengths = new Int32Array(rows.length);
  let size = 0;
  rows.forEach((row, index) => {
    starts[index] = size;
    lengths[index] = spec.time === undefined ? 1 : row.length / spec.width;
    size += row.length;
  });
  const data = allocate(spec, size);
  rows.forEach((row, index) => {
    copyNumbers(spec, row, data, starts[index] as number, index);
  });
  return { spec, rows: rows.length, data, starts, lengths, ragged: lengths.some((length) => length !== lengths[0]) };
}

function withLengths(column: Column, given: ArrayLike<number>): Column {
  const { spec, rows } = column;
  if (given.length !== rows) throw new ShapeError(`${spec.label}: ${given.length} lengths for ${rows} rows`);
  const lengths = Int32Array.from({ length: rows }, (_, row) => {
    const length = given[row] as number;
    if (!Number.isInteger(length) || length < 0 || length > (column.lengths[row] as number)) {
      throw new DataError(
        `${spec.label}, row ${row}: the length ${length} is not a whole number from 0 to ${column.lengths[row]}`,
      );
    }
    return length;
  });
  return { ...column, lengths, ragged: true };
}

/** The user's data as a column, of any number of steps. */
function columnOf(spec: ColumnSpec, data: Rows): Column {
  if (isTensor(data)) return fromTensor(spec, data);
  if (isRecord(data) && "values" in data && "lengths" in data && spec.time !== undefined) {
    const { values, lengths } = data as unknown as { values: Tensor; lengths: ArrayLike<number> };
    return withLengths(columnOf(spec, values), lengths);
  }
  if (!isList(data)) {
    throw new ShapeError(
      `${spec.label} must be ${wanted(spec)}: a tensor { dtype, shape, data } or a list of rows, got ${got(data)}${remedy(spec, data)}`,
    );
  }
  const list: ArrayLike<unknown> = data;
  const oneNumber = spec.time === undefined && spec.width === 1;
  if (list.length > 0 && (oneNumber ? !isList(list[0]) : typeof numberFrom(list[0]) === "number")) {
    if (!oneNumber) {
      throw new ShapeError(`${spec.label} must be ${wanted(spec)}; a flat list of numbers has one number a row`);
    }
    const numbers = allocate(spec, list.length);
    copyNumbers(spec, list, numbers, 0);
    return {
      spec,
      rows: list.length,
      data: numbers,
      starts: Float64Array.from({ length: list.length }, (_, row) => row),
      lengths: new Int32Array(list.length).fill(1),
      ragged: false,
    };
  }
  return fromLists(spec, list);
}

/**
 * Reads the user's data into a column. Where the number of steps is known, every row must have them.
 *
 * @throws ShapeError, DTypeError, DataError that name the column, the row and what is wanted
 */
export function readColumn(spec: ColumnSpec, data: Rows): Column {
  const column = columnOf(spec, data);
  const { time, label } = spec;
  const row = typeof time === "number" ? column.lengths.findIndex((length) => length !== time) : -1;
  if (row < 0) return column;
  throw new ShapeError(`${label} must be ${wanted(spec)}; row ${row} has ${column.lengths[row]} steps`);
}

/** Whether the data has one number a row: a flat list, or a tensor of one axis. */
export function isOneNumberARow(data: Rows): boolean {
  if (isTensor(data)) return data.shape.length === 1;
  return isList(data) && (data.length === 0 || !isList(data[0]));
}

/** Where a batch of one column is written before it is fed: a tensor whose shape changes from batch to batch. */
export interface BatchBuffer {
  readonly dtype: "float32" | "int32";
  readonly shape: number[];
  readonly data: Float32Array | Int32Array;
}

/** An array of at least a size: that of `arrays` under `name` where it is large enough. */
export function takeArray(
  dtype: ColumnSpec["dtype"],
  size: number,
  name: string,
  arrays: Map<string, BatchBuffer["data"]>,
): BatchBuffer["data"] {
  const made = arrays.get(name);
  const data = made && made.length >= size ? made : dtype === "int32" ? new Int32Array(size) : new Float32Array(size);
  arrays.set(name, data);
  return data;
}

/** Room for `batch` rows of `steps` steps, in the array of `arrays` under `name` where that is large enough. */
export function bufferFor(
  { dtype, time, width, widthAxis }: ColumnSpec,
  batch: number,
  steps: number,
  name: string,
  arrays: Map<string, BatchBuffer["data"]>,
): BatchBuffer {
  const shape = [batch, ...(time === undefined ? [] : [steps]), ...(widthAxis ? [width] : [])];
  const size = batch * (time === undefined ? 1 : steps) * width;
  return { dtype, shape, data: takeArray(dtype, size, name, arrays) };
}

/** Writes rows `order[from]` … `order[from + count - 1]`, each cut or filled up with zeros to `steps`, and sets the shape. */
export function writeBatch(
  column: Column,
  order: Int32Array,
  from: number,
  count: number,
  steps: number,
  buffer: BatchBuffer,
): void {
  const { data, starts, lengths, spec } = column;
  const { width } = spec;
  const stride = (spec.time === undefined ? 1 : steps) * width;
  const out = buffer.data;
  for (let i = 0; i < count; i++) {
    const row = order[from + i] as number;
    const start = starts[row] as number;
    const size = Math.min((lengths[row] as number) * width, stride);
    const at = i * stride;
    for (let k = 0; k < size; k++) out[at + k] = data[start + k] as number;
    out.fill(0, at + size, at + stride);
  }
  buffer.shape[0] = count;
  if (spec.time !== undefined) buffer.shape[1] = steps;
}
