/** The crossentropy of a softmax over very many classes, trained with the label's class and a sample of the others. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { add, div, equal, log, mul, select, softplus, sub } from "../../ir/build/elementwise.ts";
import { gather, scatterAdd } from "../../ir/build/index.ts";
import { dot } from "../../ir/build/linear.ts";
import { logSumExp, sum } from "../../ir/build/reduce.ts";
import { broadcast, transpose } from "../../ir/build/shape.ts";
import { constant, full } from "../../ir/build/source.ts";
import type { Value } from "../../ir/ops.ts";
import { OptionReader, shown } from "../../nn/options.ts";
import { digestOfNumbers } from "../../wordSums.ts";
import { type CandidateLine, candidateLine, drawCandidates } from "./candidates.ts";
import type { Loss } from "./loss.ts";
import { type CrossentropyOptions, sparseCategoricalCrossentropy } from "./losses.ts";

/** Options of `sampledSoftmaxLoss`. */
export interface SampledSoftmaxOptions extends CrossentropyOptions {
  /** How many classes each step of training draws, for all its rows together; at most as many as there are. */
  readonly samples: number;
  /**
   * How often classes are drawn. "logUniform": class `i` in proportion to log(1 + 1 / (i + 1)), for classes in the order of their frequency, the most frequent first. "uniform": all alike.
   * A list: in proportion to its numbers, one above 0 for each class; counts in the training data, plus 1, say. Default "logUniform".
   */
  readonly distribution?: "logUniform" | "uniform" | readonly number[];
}

const kind = "sampledSoftmaxLoss";
const distributions = ["logUniform", "uniform"] as const;

interface Config {
  readonly samples: number;
  readonly distribution: (typeof distributions)[number] | readonly number[];
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;
}

function readOptions(given: SampledSoftmaxOptions): Config {
  const read = new OptionReader(kind, given, ["samples", "distribution", "fromLogits", "labelSmoothing"]);
  const { distribution } = given;
  const isShare = (share: unknown): boolean =>
    typeof share === "number" && share > 0 && share <= Number.MAX_SAFE_INTEGER;
  if (Array.isArray(distribution) && !distribution.every(isShare))
    throw new ConfigError(
      `${kind}: the numbers of distribution must be above 0, got ${shown(distribution.find((share) => !isShare(share)))}; add 1 to counts`,
    );
  return {
    samples: read.integer("samples", 1),
    distribution: Array.isArray(distribution)
      ? [...distribution]
      : read.oneOf("distribution", distributions, "logUniform"),
    fromLogits: read.boolean("fromLogits", false),
    labelSmoothing: read.number("labelSmoothing", 0, 0, 1),
  };
}

function sharesOf(distribution: Config["distribution"], classes: number): readonly number[] {
  if (typeof distribution !== "string") return distribution;
  return Array.from({ length: classes }, (_, id) => (distribution === "uniform" ? 1 : Math.log1p(1 / (id + 1))));
}

/** What logits are made of: features · tableᵀ + bias. */
interface Product {
  /** float32 [rows…, size]. */
  readonly features: Value;
  /** float32 [classes, size]. */
  readonly table: Value;
  /** float32 [classes]. */
  readonly bias?: Value;
}

/** The product that makes the logits; undefined where they are made otherwise. */
function productOf(logits: Value): Product | undefined {
  const { node } = logits;
  const [sums, added] = node.op === "add" ? node.inputs : [logits];
  // A vector over the last axis is broadcast.
  const isBias = added?.node.op === "broadcast" && added.node.attrs.axes.join() === `${logits.type.shape.length - 1}`;
  if (sums?.node.op !== "dot" || (added && !isBias)) return undefined;
  const [features, table] = sums.node.inputs as [Value, Value];
  const { contract, batch } = sums.node.attrs;
  const [last, axis] = [features.type.shape.length - 1, contract[1][0] as number];
  if (table.type.shape.length !== 2 || batch[0].length > 0 || contract[0].join() !== `${last}`) return undefined;
  return {
    features,
    table: axis === 1 ? table : transpose(table, [1, 0]),
    ...(added ? { bias: added.node.inputs[0] as Value } : {}),
  };
}

/** The logits behind a prediction, and what they are made of. @throws ConfigError where they are no product with a table of the classes */
function expectProduct(prediction: Value, fromLogits: boolean): Product {
  const logits = fromLogits ? prediction : prediction.node.op === "softmax" ? prediction.node.inputs[0] : undefined;
  const product = logits && productOf(logits);
  if (product) return product;
  throw new ConfigError(
    `${kind}: the output must be ${fromLogits ? "x · W + b" : "softmax(x · W + b)"}, made by a dense layer or the reverse of a reversibleEmbedding, in training, too; for others use sparseCategoricalCrossentropy`,
  );
}

/** `values` [classes…] in each row, `like` [rows…, classes]. */
const inEachRow = (values: Value, like: Value): Value =>
  broadcast(values, like.type.shape, [like.type.shape.length - 1]);

/** A number of each row, in each of its classes. */
const inEachClass = (rows: Value, like: Value): Value =>
  broadcast(
    rows,
    like.type.shape,
    rows.type.shape.map((_, axis) => axis),
  );

/** In the place of a logit whose class counts nothing: small, and finite. */
const NONE = -1e30;

/**
 * `sparseCategoricalCrossentropy` for outputs of very many classes, such as words. A step of training computes the logits of the labels and of `samples` classes that are drawn for it, and not of
 * all classes (Bengio and Senécal 2008; Jean et al. 2015). Where `z` are logits, `t` is the label and `q` is how often, on average, a class is drawn in a step, the loss is
 *
 *     log(exp(z_t) + Σ exp(z_s - log q_s)) - z_t      over the classes s that were drawn, without t
 *
 * In the mean over many draws the sum under the logarithm is that of the full softmax. Evaluation, validation, prediction, decoding and export use the full softmax, and the loss that
 * they show is `sparseCategoricalCrossentropy`.
 *
 * The output is softmax(x · W + b): `dense` with a softmax, or the reverse of a `reversibleEmbedding`, whose table is the quickest to look up; with `fromLogits` without the softmax. Metrics of training
 * read the full softmax, which then is computed for them: measure on validation data instead.
 *
 * Classes are drawn from the seed and the step, the same on all backends: one point from each of `samples` intervals of equal length, over which classes are laid end to end. A class that is expected more
 * than once is drawn exactly once in each step, and its part goes to the others. Rarer ones are drawn twice at the most, and rarely. With as many samples as classes the loss is that of the full
 * softmax.
 *
 * `labelSmoothing` is that of `sparseCategoricalCrossentropy`, with the mean of all logits estimated from the same sample: Σ w z / Σ w over the label, of weight 1, and the classes that were drawn, of weight 1 / q.
 *
 * @throws ConfigError for wrong options, and from `compile` where the output has another form; ShapeError where the classes are fewer than the samples, or `distribution` is of another length
 *
 * @example
 * const words = reversibleEmbedding({ inputDim: 50_000, outputDim: 256, maskZero: true, useBias: true, activation: "softmax" });
 * const model = sequential([words, recurrence, words.reverse]); // a layer with returnSequences between
 * await compile(model, { loss: sampledSoftmaxLoss({ samples: 2048 }), … });
 */
export function sampledSoftmaxLoss(given: SampledSoftmaxOptions): Loss {
  const options = readOptions(given);
  const { samples, distribution, fromLogits, labelSmoothing } = options;
  const exact = sparseCategoricalCrossentropy({ fromLogits, labelSmoothing });
  let line: CandidateLine | undefined;
  return {
    kind,
    // A checkpoint keeps the options: of a list, which has a number for each class, its digest.
    options: {
      ...options,
      distribution: typeof distribution === "string" ? distribution : digestOfNumbers(distribution),
    },
    target(name, output) {
      const target = exact.target(name, output);
      const classes = target.classes as number;
      if (samples > classes)
        throw new ShapeError(
          `${kind}: ${samples} samples of the ${classes} classes of the output "${name}"; give fewer, or use sparseCategoricalCrossentropy`,
        );
      if (typeof distribution !== "string" && distribution.length !== classes)
        throw new ShapeError(
          `${kind}: distribution has ${distribution.length} numbers, and the output "${name}" ${classes} classes`,
        );
      expectProduct(output.values, fromLogits);
      return target;
    },
    perRow(prediction, target, { mask }) {
      if (!mask) return exact.perRow(prediction, target);
      const product = expectProduct(prediction, fromLogits);
      const classes = product.table.type.shape[0] as number;
      if (line?.expected.length !== classes) line = candidateLine(sharesOf(distribution, classes), samples);
      return sampledCrossentropy(product, target, drawCandidates(line, mask), line.expected, labelSmoothing);
    },
  };
}

/** The loss of each row, given the classes that were drawn, int32 [samples], and the mean number of times that each class is. */
function sampledCrossentropy(
  { features, table, bias }: Product,
  labels: Value,
  candidates: Value,
  expected: readonly number[],
  labelSmoothing: number,
): Value {
  const last = features.type.shape.length - 1;
  const weights = constant(
    expected.map((count) => 1 / count),
    "float32",
    [expected.length],
  );
  const own = sum(mul(features, gather(table, labels)), [last]);
  const z = bias ? add(own, gather(bias, labels)) : own;
  const rows = gather(table, candidates);
  const drawnWeights = gather(weights, candidates);
  const drawnBias = bias && gather(bias, candidates);
  const products = dot(features, rows, { contract: [[last], [1]] });
  const corrections = log(drawnWeights);
  const sums = add(products, drawnBias ? add(drawnBias, corrections) : corrections);
  const isLabel = equal(inEachClass(labels, sums), inEachRow(candidates, sums));
  const others = logSumExp(select(isLabel, full(NONE, sums.type.shape), sums), [last]);
  const crossentropy = softplus(sub(others, z));
  if (labelSmoothing === 0) return crossentropy;
  // Σ w z over all that were drawn is one product with Σ w row. What of it was the label itself is taken out again.
  const counts = scatterAdd(candidates, drawnWeights, expected.length);
  const surplus = sub(1, gather(counts, labels));
  const sumOfRows = dot(drawnWeights, rows, { contract: [[0], [0]] });
  const drawn = dot(features, sumOfRows, { contract: [[last], [0]] });
  const drawnSum = drawnBias ? add(drawn, sum(mul(drawnWeights, drawnBias))) : drawn;
  const mean = div(add(drawnSum, mul(surplus, z)), add(sum(drawnWeights), surplus));
  return add(crossentropy, mul(labelSmoothing, sub(z, mean)));
}
