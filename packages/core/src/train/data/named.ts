/** Data by the name of an input or output, or of the only one. */
import { DataError } from "../../errors.ts";
import { isRecord } from "../../nn/options.ts";
import type { Rows } from "./column.ts";

/** The data of one input or output, or of several by name. */
export type Inputs = Rows | Readonly<Record<string, Rows>>;

/** Whether columns are given by name, and not one alone. */
export const isByName = (data: Inputs): data is Readonly<Record<string, Rows>> =>
  isRecord(data) &&
  !ArrayBuffer.isView(data) &&
  !("dtype" in data && "data" in data) &&
  !("values" in data && ("lengths" in data || "parents" in data));

/** The data by name. @throws DataError for a name that no input, or no output, has */
export function byName(
  option: string,
  of: "input" | "output",
  names: readonly string[],
  data: Readonly<Record<string, Rows>>,
): (name: string) => Rows | undefined {
  const unknown = Object.keys(data).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new DataError(`${option}: the model has no ${of} "${unknown}"; it has ${names.join(", ")}`);
  return (name) => (Object.hasOwn(data, name) ? data[name] : undefined);
}

/** The data of each of `wanted`, which are some or all of the names. */
export function inOrder(
  option: string,
  of: "input" | "output",
  names: readonly string[],
  data: Inputs,
  wanted = names,
): Rows[] {
  if (!isByName(data)) {
    if (wanted.length > 1)
      throw new DataError(`the model has ${wanted.length} ${of}s; give ${option} as a record of ${wanted.join(", ")}`);
    return [data as Rows];
  }
  const rowsOf = byName(option, of, names, data);
  return wanted.map((name) => {
    const rows = rowsOf(name);
    if (rows === undefined) throw new DataError(`${option} has no data for the ${of} "${name}"`);
    return rows;
  });
}
