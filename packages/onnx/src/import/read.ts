/** Reads a whole file, again if some of its sizes turn out to be equal. */
import { ModelFileError, UnsupportedOpError } from "@ostinato/core";
import { Dims, ReadAgain } from "./dims.ts";
import { type Read, type Reading, readOnce } from "./walk.ts";

/** The maximum number of nodes that are read again in total. */
const MOST_READ = 200_000;

/** Reads the file. @throws ModelFileError for a damaged file; UnsupportedOpError for unsupported models, with the node and the reason */
export function readModel(reading: Omit<Reading, "dims">): Read {
  expectNames(reading);
  const dims = new Dims();
  const nodes = reading.model.graph?.nodes?.length ?? 0;
  for (let read = 0; ; read += nodes) {
    if (read > MOST_READ) throw new UnsupportedOpError(`the model has too many equal sizes for its ${nodes} nodes`);
    try {
      return readOnce({ ...reading, dims });
    } catch (error) {
      if (!(error instanceof ReadAgain)) throw error;
    }
  }
}

function expectNames({ model: { graph = {} }, outputs = [] }: Omit<Reading, "dims">): void {
  const known = new Set((graph.outputs ?? []).map(({ name }) => name));
  const unknown = outputs.find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new ModelFileError(
      `the model has no output "${unknown}"; it has ${[...known].map((name) => `"${name}"`).join(", ")}`,
    );
  if (known.size === 0) throw new ModelFileError("the model has no outputs");
}
