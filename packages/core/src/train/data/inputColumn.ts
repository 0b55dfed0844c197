/** The column of an input, with ids and masked steps checked against the layers that read them. */
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

/** What each layer that reads an input asks of it. */
function asked<T>(
  spec: ModelSpec,
  input: number,
  ask: (definition: LayerDefinition<Json>, config: Json) => T,
): readonly { readonly owner: string; readonly answer: T }[] {
  return spec.calls
    .filter((call) => call.sources.some((source) => "input" in source && source.input === input))
    .map((call) => {
      const layer = spec.layers[call.layer] as ModelSpec["layers"][number];
      return { owner: `${layer.kind} "${layer.name}"`, answer: ask(definitionOf(layer), layer.config) };
    });
}

function idRules(spec: ModelSpec, input: number): IdRules | undefined {
  const readers = asked(spec, input, (definition, config) => definition.ids?.(config)).flatMap(({ owner, answer }) =>
    answer ? [{ ...answer, owner }] : [],
  );
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

/** Checks that no masked step stands before others of its row, and gives the lengths of rows without those at their ends. */
function checkMasked({ data, starts, lengths, rows, spec }: Column, owner: string, maskValue: number): Int32Array {
  const cut = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    let masked = -1;
    for (let t = 0; t < (lengths[row] as number); t++) {
      const from = (starts[row] as number) + t * spec.width;
      let k = 0;
      while (k < spec.width && data[from + k] === maskValue) k += 1;
      if (k < spec.width) cut[row] = t + 1;
      else if (masked < 0) masked = t;
    }
    if (masked >= 0 && masked < (cut[row] as number))
      throw new DataError(
        `${owner}: in ${spec.label}, row ${row} all features of step ${masked} are ${maskValue}, which masks it, before the row's last step, ${(cut[row] as number) - 1}; ` +
          "masked steps stand behind the others. Leave it out of the row, or give masking a maskValue that no step has",
      );
  }
  return cut;
}

/** A sequence, checked against the layers that mask its steps; where all that read it find the zeros that fill up rows, these end before. */
function checkSteps(
  spec: ModelSpec,
  input: number,
  column: Column,
): { readonly column: Column; readonly masked: boolean } {
  const readers = asked(spec, input, (definition, config) => definition.maskValue?.(config));
  let cut = column.lengths;
  for (const { owner, answer } of readers) if (answer !== undefined) cut = checkMasked(column, owner, answer);
  const masked = readers.length > 0 && readers.every(({ answer }) => answer === 0);
  return { column: masked ? { ...column, lengths: cut } : column, masked };
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
  const given = readColumn(form, data);
  const rules = kind === "ids" ? idRules(spec, index) : undefined;
  const { column, masked } =
    kind === "sequence" ? checkSteps(spec, index, given) : { column: given, masked: rules?.masked };
  if (column.ragged && !lengths && !masked) {
    const row = column.lengths.findIndex((length) => length !== column.lengths[0]);
    const other = row < 0 ? "" : `, row ${row} ${column.lengths[row]}`;
    const way = kind === "ids" ? "give the embedding maskZero: true" : "give the input lengths: true";
    throw new DataError(
      `${form.label} is ragged: row 0 has ${column.lengths[0]} steps${other}, and the model does not know lengths; ${way}, or pad the rows to one length`,
    );
  }
  const checked = rules ? checkIds(column, rules) : column;
  const whole = time !== undefined && !lengths && !masked;
  return { feed: name, column: checked, leads: true, whole, ...(lengths ? { lengthsFeed: `${name}/lengths` } : {}) };
}
