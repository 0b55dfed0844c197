/** The layer that finds the lengths of rows in their steps. */
import { cast, equal, mul, not, select } from "../ir/build/elementwise.ts";
import { sequenceLengths, sequenceMask } from "../ir/build/index.ts";
import { max } from "../ir/build/reduce.ts";
import { expandDims } from "../ir/build/shape.ts";
import type { Dim } from "../ir/ops.ts";
import type { Flow } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";

export type MaskingConfig = { readonly maskValue: number };

export const masking: LayerDefinition<MaskingConfig> = {
  // As the data that it is compared with.
  parse: (options, owner) => ({
    maskValue: Math.fround(new OptionReader(owner, options, ["maskValue"]).number("maskValue", 0, -3e38, 3e38)),
  }),
  takes: "a sequence [batch, time, features]",
  outputs: (_config, inputs) => (inputs.join() === "sequence" ? inputs : undefined),
  maskValue: ({ maskValue }) => maskValue,
  build(_context, { maskValue }, [input]) {
    const { kind, values, lengths } = input as Flow;
    const other = max(cast(not(equal(values, maskValue)), "int32"), [2]);
    const counted = lengths ? mul(other, cast(sequenceMask(lengths, values.type.shape[0] as Dim), "int32")) : other;
    const kept = maskValue === 0 ? values : select(expandDims(equal(other, 0), 2), 0, values);
    return [{ kind, values: kept, lengths: sequenceLengths(counted) }];
  },
};
