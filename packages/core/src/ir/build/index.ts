/** Builders that look up, scatter and mask by whole numbers. */
import type { Dim, Value } from "../value.ts";
import { apply1 } from "./apply.ts";

/** The rows of `table` [rows, …] that `ids` names: ids.shape ++ table.shape[1:]. Ids must lie within 0 … rows - 1. */
export function gather(table: Value, ids: Value): Value {
  return apply1("gather", [table, ids], {});
}

/** Zeros [rows, …] with each update added to the row that its id names: the gradient of `gather`. */
export function scatterAdd(ids: Value, updates: Value, rows: Dim): Value {
  return apply1("scatterAdd", [ids, updates], { rows });
}

/** x [time, batch, …]: the first `length` steps of each row in reverse, the others in place. */
export function reverseSequence(x: Value, lengths: Value): Value {
  return apply1("reverseSequence", [x, lengths], {});
}

/** bool [time, batch]: true where time < length. */
export function sequenceMask(lengths: Value, time: Dim): Value {
  return apply1("sequenceMask", [lengths], { time });
}

/** ids [time, batch] → int32 [batch]: the index of the last id that is not 0, plus one. */
export function sequenceLengths(ids: Value): Value {
  return apply1("sequenceLengths", [ids], {});
}
