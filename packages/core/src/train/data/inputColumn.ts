/** The column of an input, checked by the layers that read it. */
import { DataError } from "../../errors.ts";
import { childLimits } from "../../nn/build.ts";
import type { InputSpec } from "../../nn/layer.ts";
import { inputChecks, type ModelSpec } from "../../nn/spec.ts";
import { treeReaderOf } from "../../nn/wrapping.ts";
import { type Column, type ColumnSpec, type Rows, readColumn } from "./column.ts";
import type { Fed } from "./fed.ts";

/** A column whose data is right. */
interface Checked {
  readonly column: Column;
  /** Its rows are cut after the last step that counts, for all that read them find padding behind it. */
  readonly masked: boolean;
}

/** What checks the columns of an input, as the layers ask that read it. */
export function columnChecks(spec: ModelSpec, input: number): (column: Column) => Checked {
  const checks = inputChecks(spec, input);
  return (column) => {
    const ends = checks.map(([check]) => check(column));
    const [lengths] = ends;
    const masked = lengths !== undefined && column.trees === undefined && ends.every((end) => end);
    return { column: masked ? { ...column, lengths } : column, masked };
  };
}

/** The form of the data of an input. */
export function inputForm({ name, kind, shape }: InputSpec): ColumnSpec {
  const time = kind === "features" ? undefined : (shape[0] as string);
  return {
    label: `input "${name}"`,
    dtype: kind === "ids" ? "int32" : "float32",
    ...(time === undefined ? {} : { time }),
    width: kind === "ids" ? 1 : (shape.at(-1) as number),
    widthAxis: kind !== "ids",
    ...(kind === "ids" ? { ofTexts: "texts become ids by encodeTexts(vocabulary, texts) of @ostinato/text" } : {}),
  };
}

/** The data in its form, not yet checked by layers. */
function readInput(spec: ModelSpec, index: number, form: ColumnSpec, data: Rows): Column {
  const read = spec.inputs[index]?.tree && treeReaderOf(spec.layers);
  if (!read) return readColumn(form, data);
  const trees = read(form.label, data, childLimits(spec, index));
  return { ...readColumn({ ...form, step: "node" }, trees.values as Rows), trees };
}

export function inputColumn(spec: ModelSpec, index: number, data: Rows): Fed {
  const input = spec.inputs[index] as InputSpec;
  const { name, kind, lengths } = input;
  const form = inputForm(input);
  const { column, masked } = columnChecks(spec, index)(readInput(spec, index, form, data));
  if (column.ragged && !lengths && !masked) {
    const row = column.lengths.findIndex((length) => length !== column.lengths[0]);
    const other = row < 0 ? "" : `, row ${row} ${column.lengths[row]}`;
    const way = kind === "ids" ? "maskZero: true in the embedding" : "lengths: true in the input";
    throw new DataError(
      `${form.label} is ragged: row 0 has ${column.lengths[0]} steps${other}, and the model does not know lengths; pad the rows to one length, or build it with ${way}`,
    );
  }
  const whole = form.time !== undefined && !lengths && !masked;
  return { feed: name, column, leads: true, whole, ...(lengths ? { lengthsFeed: `${name}/lengths` } : {}) };
}
