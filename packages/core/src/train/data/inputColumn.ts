/** The column of an input, with ids checked against the layers that read them. */
import { DataError } from "../../errors.ts";
import type { EmbeddingConfig } from "../../nn/embedding.ts";
import type { InputSpec } from "../../nn/layer.ts";
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

export function inputColumn(spec: ModelSpec, index: number, data: Rows): Fed {
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
    const row = column.lengths.findIndex((length) => length !== column.lengths[0]);
    const other = row < 0 ? "" : `, row ${row} ${column.lengths[row]}`;
    const way = kind === "ids" ? "give the embedding maskZero: true" : "give the input lengths: true";
    throw new DataError(
      `${form.label} is ragged: row 0 has ${column.lengths[0]} steps${other}, and the model does not know lengths; ${way}, or pad the rows to one length`,
    );
  }
  const checked = rules ? checkIds(column, rules) : column;
  const whole = time !== undefined && !lengths && !rules?.masked;
  return { feed: name, column: checked, leads: true, whole, ...(lengths ? { lengthsFeed: `${name}/lengths` } : {}) };
}
