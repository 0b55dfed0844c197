/** The columns of targets and of the weights of rows, for each output that is trained. */
import { DataError } from "../../errors.ts";
import { targetFeed, targetLengthsFeed, weightsFeed } from "../objective/graphs.ts";
import { type TargetSpec, timeOf } from "../objective/target.ts";
import { type Column, type ColumnSpec, isOneNumberARow, type Rows, readColumn } from "./column.ts";
import type { Fed } from "./fed.ts";
import { byName, type Inputs, inOrder, isByName } from "./named.ts";

function targetColumn(target: TargetSpec, data: Rows): Fed {
  const { dtype, shape, classes, probability } = target;
  const time = timeOf(target);
  const last = shape.at(-1);
  const widthAxis = dtype === "float32";
  const ofSteps =
    "where each step or node has one, build the model with returnSequences: true in the layer that reads them";
  const column = readColumn(
    {
      label: `y of "${target.name}"`,
      dtype,
      ...(time === undefined ? {} : { time }),
      width: widthAxis ? (last as number) : 1,
      widthAxis,
      ...(widthAxis && last !== 1 ? {} : { ofSteps }),
      ofTexts: `labels become numbers by encodeLabels(labelEncoder(labels), labels) of @ostinato/text${widthAxis && last !== 1 ? ", and a loss for such is sparseCategoricalCrossentropy()" : ""}`,
    },
    data,
  );
  const { spec, starts, lengths } = column;
  for (let row = 0; row < column.rows; row++) {
    const start = starts[row] as number;
    for (let i = start; i < start + (lengths[row] as number) * spec.width; i++) {
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
  const { name } = target;
  return target.ragged
    ? { feed: targetFeed(name), column, leads: true, lengthsFeed: targetLengthsFeed(name) }
    : { feed: targetFeed(name), column, leads: false };
}

/** Weights of rows, or of steps where the target has time and they are given so. */
function readWeights(target: TargetSpec, weights: Rows, several: boolean): Column {
  const label = several ? `sampleWeights of "${target.name}"` : "sampleWeights";
  const form: ColumnSpec = { label, dtype: "float32", width: 1, widthAxis: false };
  const time = target.each === "row" ? undefined : timeOf(target);
  return readColumn(time !== undefined && !isOneNumberARow(weights) ? { ...form, time } : form, weights);
}

export const fedWeights = ({ name }: TargetSpec, column: Column): Fed => ({
  feed: weightsFeed(name),
  column,
  leads: false,
  weighs: name,
});

/** What is read beside the inputs. */
export interface Labels {
  readonly targets: readonly TargetSpec[];
  readonly y: Inputs;
  readonly sampleWeights?: Inputs;
}

/** Targets, and weights where there are any, in the order of the outputs. */
export function labelColumns(outputs: readonly string[], { targets, y, sampleWeights }: Labels): Fed[] {
  const wanted = targets.map(({ name }) => name);
  const rows = inOrder("y", "output", outputs, y, wanted);
  const weightsOf =
    sampleWeights === undefined || isByName(sampleWeights)
      ? byName("sampleWeights", "output", outputs, sampleWeights ?? {})
      : () => sampleWeights as Rows;
  const weights = targets.flatMap((target): Fed[] => {
    const given = weightsOf(target.name);
    return given === undefined ? [] : [fedWeights(target, readWeights(target, given, targets.length > 1))];
  });
  return [...targets.map((target, i) => targetColumn(target, rows[i] as Rows)), ...weights];
}
