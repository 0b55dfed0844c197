/** The column of an input, with ids and the ends of rows checked against the layers that read them. */
import { DataError } from "../../errors.ts";
import { definitionOf, type InputSpec, type LayerDefinition } from "../../nn/layer.ts";
import type { Json } from "../../nn/options.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import { type Column, type ColumnSpec, type Rows, readColumn } from "./column.ts";
import type { Fed } from "./fed.ts";

/** What the layers that read an input ask of its ids. */
interface IdRules {
  readonly owner: string;
  readonly inputDim: number;
  /** Some reader takes zeros for padding, so that none may stand before the last id. */
  readonly padded: boolean;
  /** Every reader does, so that rows may be cut after their last id. */
  readonly masked: boolean;
}

/** A layer that reads an input, and how errors call it. */
interface Reader {
  readonly definition: LayerDefinition<Json>;
  readonly config: Json;
  readonly owner: string;
}

const readersOf = (spec: ModelSpec, input: number): Reader[] =>
  spec.calls
    .filter((call) => call.sources.some((source) => "input" in source && source.input === input))
    .map((call) => {
      const layer = spec.layers[call.layer] as ModelSpec["layers"][number];
      return { definition: definitionOf(layer), config: layer.config, owner: `${layer.kind} "${layer.name}"` };
    });

function idRules(all: readonly Reader[]): IdRules | undefined {
  const readers = all.flatMap(({ definition, config, owner }) => {
    const ids = definition.ids?.(config);
    return ids ? [{ ...ids, owner }] : [];
  });
  const smallest = readers.toSorted((a, b) => a.inputDim - b.inputDim)[0];
  return (
    smallest && {
      owner: smallest.owner,
      inputDim: smallest.inputDim,
      padded: readers.some((reader) => reader.maskZero),
      masked: readers.every((reader) => reader.maskZero),
    }
  );
}

/** Checks ids, and cuts rows of masked ones after their last id. */
function checkIds(column: Column, rules: IdRules): Column {
  const { data, starts, lengths, rows, spec } = column;
  const cut = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = starts[row] as number;
    let end = 0;
    let zero = -1;
    for (let t = 0; t < (lengths[row] as number); t++) {
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
    cut[row] = end;
  }
  return rules.masked ? { ...column, lengths: cut } : column;
}

/** Steps, as checked by the layers that find the ends of rows in them; cut there where all that read them do. */
function checkSteps(column: Column, readers: readonly Reader[]): Checked {
  const ends = readers.map(({ definition, config, owner }) => definition.ends?.(config, column, owner));
  const [first] = ends;
  const masked = first !== undefined && ends.every((end) => end?.padding);
  return { column: masked ? { ...column, lengths: first.lengths } : column, masked };
}

/** A column whose ids, or steps, are right. */
interface Checked {
  readonly column: Column;
  /** Its rows are cut after the last step that counts. */
  readonly masked: boolean;
}

/** What checks the columns of an input, as the layers ask that read it. */
export function inputChecks(spec: ModelSpec, input: number): (column: Column) => Checked {
  const readers = readersOf(spec, input);
  const rules = spec.inputs[input]?.kind === "ids" ? idRules(readers) : undefined;
  return (column) => (rules ? { column: checkIds(column, rules), masked: rules.masked } : checkSteps(column, readers));
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

export function inputColumn(spec: ModelSpec, index: number, data: Rows): Fed {
  const input = spec.inputs[index] as InputSpec;
  const { name, kind, lengths } = input;
  const form = inputForm(input);
  const { column, masked } = inputChecks(spec, index)(readColumn(form, data));
  if (column.ragged && !lengths && !masked) {
    const row = column.lengths.findIndex((length) => length !== column.lengths[0]);
    const other = row < 0 ? "" : `, row ${row} ${column.lengths[row]}`;
    const way = kind === "ids" ? "give the embedding maskZero: true" : "give the input lengths: true";
    throw new DataError(
      `${form.label} is ragged: row 0 has ${column.lengths[0]} steps${other}, and the model does not know lengths; ${way}, or pad the rows to one length`,
    );
  }
  const whole = form.time !== undefined && !lengths && !masked;
  return { feed: name, column, leads: true, whole, ...(lengths ? { lengthsFeed: `${name}/lengths` } : {}) };
}
