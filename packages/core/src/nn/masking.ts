/** The layer that finds the lengths of rows in their steps. */
import { DataError } from "../errors.ts";
import { cast, equal, mul, not, select } from "../ir/build/elementwise.ts";
import { sequenceLengths, sequenceMask } from "../ir/build/index.ts";
import { max } from "../ir/build/reduce.ts";
import { expandDims } from "../ir/build/shape.ts";
import type { Dim } from "../ir/ops.ts";
import type { Flow } from "./kinds.ts";
import type { InputData, LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";

export type MaskingConfig = { readonly maskValue: number };

/** The lengths of rows without the masked steps at their ends, where zeros are masked. @throws DataError where others follow a masked one */
export function checkSteps(
  { maskValue }: MaskingConfig,
  { rows, data, starts, lengths, trees, spec: { label, width } }: InputData,
  owner: string,
): Int32Array | undefined {
  const ends = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    let masked = -1;
    for (let t = 0; t < (lengths[row] as number); t++) {
      const from = (starts[row] as number) + t * width;
      let k = 0;
      while (k < width && data[from + k] === maskValue) k += 1;
      if (k < width) ends[row] = t + 1;
      else if (masked < 0) masked = t;
    }
    const end = ends[row] as number;
    if (!trees && masked >= 0 && masked < end)
      throw new DataError(
        `${owner}: in ${label}, row ${row} all features of step ${masked} are ${maskValue}, which masks it, before the row's last step, ${end - 1}; ` +
          "masked steps stand behind the others. Leave it out of the row, or give masking a maskValue that no step has",
      );
  }
  return maskValue === 0 ? ends : undefined;
}

export const masking: LayerDefinition<MaskingConfig> = {
  // As the data that it is compared with.
  parse: (options, owner) => ({
    maskValue: Math.fround(new OptionReader(owner, options, ["maskValue"]).number("maskValue", 0, -3e38, 3e38)),
  }),
  takes: "a sequence [batch, time, features]",
  outputs: (_config, inputs) => (inputs.join() === "sequence" ? inputs : undefined),
  reads: checkSteps,
  build(_context, { maskValue }, [input]) {
    const { kind, values, lengths, tree } = input as Flow;
    const other = max(cast(not(equal(values, maskValue)), "int32"), [2]);
    const counted = lengths ? mul(other, cast(sequenceMask(lengths, values.type.shape[0] as Dim), "int32")) : other;
    const kept = maskValue === 0 ? values : select(expandDims(equal(other, 0), 2), 0, values);
    // A masked node of a tree holds nothing, and the tree goes on to its root.
    if (tree) return [{ ...(input as Flow), values: kept }];
    return [{ kind, values: kept, lengths: sequenceLengths(counted) }];
  },
};
