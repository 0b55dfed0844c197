/** Dataspaces of HDF5 files: the shapes of datasets and of attributes. */
import { type Cursor, unread } from "./cursor.ts";

/** The maximum number of axes of an array. */
export const MOST_AXES = 16;

/** The shape in a dataspace; a scalar has no axes. */
export function readShape(body: Cursor): readonly number[] {
  const version = body.version(1, 2);
  const rank = body.u8();
  if (rank > MOST_AXES) throw unread(`an array with ${rank} axes`);
  body.skip(1);
  const isEmpty = version === 2 ? body.u8() === 2 : body.skip(5) === undefined;
  return isEmpty ? [0] : Array.from({ length: rank }, () => body.u64());
}
