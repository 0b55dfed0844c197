/** Which steps of a sequence count. */
import { sequenceMask } from "../ir/build/index.ts";
import { expandDims } from "../ir/build/shape.ts";
import type { Dim, Value } from "../ir/ops.ts";
import type { Flow } from "./kinds.ts";

/** bool [time, batch, 1]: true at the steps of each row that count; undefined where all do. */
export function countedSteps({ values, lengths }: Flow): Value | undefined {
  return lengths && expandDims(sequenceMask(lengths, values.type.shape[0] as Dim), 2);
}
