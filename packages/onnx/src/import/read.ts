/** A whole file: read again until it is known which of its sizes are equal. */
import { ModelFileError, UnsupportedOpError } from "@ostinato/core";
import { Dims, ReadAgain } from "./dims.ts";
import { type Read, type Reading, readOnce } from "./walk.ts";

/** As many nodes as are read again and again for sizes that turn out to be equal. */
const MOST_READ = 200_000;

/** Reads the file. @throws ModelFileError for a damaged one; UnsupportedOpError for what has no form here, with the node and the reason */
export function readModel(reading: Omit<Reading, "dims">): Read {
  expectNames(reading);
  const dims = new Dims();
  const nodes = reading.model.graph?.nodes?.length ?? 0;
  for (let read = 0; ; read += nodes) {
    if (read > MOST_READ)
      throw new UnsupportedOpError(`more of its sizes turn out to be equal than ${nodes} nodes can be read for again`);
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
