/** The quantile loss: predictions below which a given share of the targets lies (Koenker and Bassett 1978). */
import { ConfigError, ShapeError } from "../../errors.ts";
import { maximum, mul, sub } from "../../ir/build/elementwise.ts";
import { mean } from "../../ir/build/reduce.ts";
import { reshape } from "../../ir/build/shape.ts";
import { constant } from "../../ir/build/source.ts";
import { featuresOf } from "../../nn/kinds.ts";
import { OptionReader, shown } from "../../nn/options.ts";
import { type LossMaker, makeLosses } from "./defineLoss.ts";

/** Options of `quantileLoss`. */
export interface QuantileOptions {
  /** Shares between 0 and 1, each larger than the one before: `[0.1, 0.5, 0.9]`. */
  readonly quantiles: readonly number[];
}

function readQuantiles(owner: string, given: unknown): readonly number[] {
  const isShare = (q: unknown): q is number => typeof q === "number" && q > 0 && q < 1;
  const rising = (list: readonly number[]): boolean => list.every((q, i) => i === 0 || q > (list[i - 1] as number));
  if (Array.isArray(given) && given.length > 0 && given.every(isShare) && rising(given)) return given;
  throw new ConfigError(
    `${owner}: quantiles must be numbers between 0 and 1, each larger than the one before, such as [0.1, 0.5, 0.9]; got ${shown(given)}`,
  );
}

/**
 * The quantile or pinball loss: for an error e = y - p it is q · e where e is above 0, else (q - 1) · e; the mean over the units. So the unit of quantile q settles where a share q of the targets lies
 * below it; that of 0.5 is the median.
 *
 * The output has a linear unit for each quantile, in their order; for several numbers y the units of the first, then those of the second. Targets are float32, one for each
 * group of units. Nothing keeps quantiles from crossing where data is scarce: sort them where order matters. They are kept with the model, `trainedLoss(trained, quantileLoss).options.quantiles`.
 *
 * @throws ConfigError for wrong quantiles; ShapeError where the output's units are not a multiple of their number
 *
 * @example
 * dense({ units: 3 }) // and loss: quantileLoss({ quantiles: [0.1, 0.5, 0.9] }): the middle, and a band in which four of five lie
 */
export const quantileLoss: LossMaker<QuantileOptions, QuantileOptions> = makeLosses({
  kind: "quantileLoss",
  parse(options: QuantileOptions, owner: string): QuantileOptions {
    new OptionReader(owner, options, ["quantiles"]);
    return { quantiles: readQuantiles(owner, options.quantiles) };
  },
  target({ quantiles }, output) {
    const units = featuresOf(output);
    if (units % quantiles.length !== 0)
      throw new ShapeError(
        `the output has ${units} ${units === 1 ? "unit" : "units"}; it needs one for each of the ${quantiles.length} quantiles, or as many for each number that is predicted`,
      );
    return { dtype: "float32", width: units / quantiles.length };
  },
  build(_context, { quantiles }, { prediction, target }) {
    const { shape } = prediction.values.type;
    const rows = shape.slice(0, -1);
    const numbers = featuresOf(prediction) / quantiles.length;
    const predicted = reshape(prediction.values, [...rows, numbers, quantiles.length]);
    const errors = sub(reshape(target.values, [...rows, numbers, 1]), predicted);
    const [above, below] = [quantiles, quantiles.map((q) => q - 1)].map((shares) =>
      mul(errors, constant(shares, "float32", [quantiles.length])),
    );
    return mean(maximum(above!, below!), [rows.length, rows.length + 1]);
  },
});
