/** The lengths of rows of predictions, as decoders are given them. */
import { DataError, ShapeError } from "../../errors.ts";
import { shown } from "../../nn/options.ts";

/** The steps of each row: all, where nothing is given. @throws ShapeError, DataError */
export function readLengths(
  owner: string,
  given: ArrayLike<number> | undefined,
  rows: number,
  time: number,
): Int32Array {
  if (given === undefined) return new Int32Array(rows).fill(time);
  if (given === null || typeof given !== "object" || given.length !== rows)
    throw new ShapeError(`${owner}: lengths must have a number for each of the ${rows} rows, got ${shown(given)}`);
  return Int32Array.from({ length: rows }, (_, row) => {
    const length = given[row] as number;
    if (!Number.isInteger(length) || length < 0 || length > time)
      throw new DataError(`${owner}: row ${row} has the length ${shown(length)}, not a whole number from 0 to ${time}`);
    return length;
  });
}
