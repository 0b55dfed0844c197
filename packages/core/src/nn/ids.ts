/** Ids as data: what a layer that reads them asks of them. */
import { DataError } from "../errors.ts";
import type { IdRules, InputData } from "./layer.ts";

/** The lengths of rows up to their last id that is not 0, where 0 is padding. @throws DataError for an id that is none, or padding before that */
export function checkIds(
  { inputDim, maskZero }: IdRules,
  { data, starts, lengths, rows, trees, spec: { label, dtype } }: InputData,
  owner: string,
): Int32Array | undefined {
  // A layer may read sequences, too.
  if (dtype !== "int32") return undefined;
  const ends = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = starts[row] as number;
    let end = 0;
    let zero = -1;
    for (let t = 0; t < (lengths[row] as number); t++) {
      const id = data[start + t] as number;
      if (id < 0 || id >= inputDim)
        throw new DataError(
          `${owner}: ${label}, row ${row} has the id ${id} at ${trees ? "node" : "step"} ${t}, outside 0 … ${inputDim - 1} (inputDim: ${inputDim})`,
        );
      if (id !== 0) end = t + 1;
      else if (zero < 0) zero = t;
    }
    if (maskZero && !trees && zero >= 0 && zero < end)
      throw new DataError(
        `${owner}: ${label}, row ${row} has id 0 at step ${zero}, before its last word; with maskZero 0 is padding and stands behind: ` +
          `padSequences(…, { padding: "post" }), and an id of their own for unknown words`,
      );
    ends[row] = end;
  }
  return maskZero ? ends : undefined;
}
