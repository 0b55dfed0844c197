/** The linear-chain conditional random field as a loss (Lafferty, McCallum and Pereira 2001): tags are learned as paths, not one by one. */
import { ConfigError, ShapeError } from "../../../errors.ts";
import { add } from "../../../ir/build/elementwise.ts";
import { constant } from "../../../ir/build/source.ts";
import type { Value } from "../../../ir/ops.ts";
import { featuresOf } from "../../../nn/kinds.ts";
import { OptionReader } from "../../../nn/options.ts";
import { type LossMaker, makeLosses } from "../defineLoss.ts";
import { type CrfConstraints, readConstraints } from "./constraints.ts";
import { negativeLogLikelihood } from "./negativeLogLikelihood.ts";

/** Options of `crf`. */
export interface CrfOptions {
  /** Which paths are allowed, such as `bioConstraints(tags)`: decoding finds no others. They are kept with the model. Default: all are. */
  readonly constraints?: CrfConstraints | null;
  /** Training leaves out the paths that are not allowed, too; then data with such a path is refused. Default false. */
  readonly constrainTraining?: boolean;
}

/** The options with all defaults filled in. */
export interface CrfConfig {
  readonly constraints: CrfConstraints | null;
  readonly constrainTraining: boolean;
}

/** What takes the place of -∞, which would make NaN of gradients: exp of it is 0 beside anything. */
const FORBIDDEN = -1e9;

/** Zero where it is allowed. */
const barred = (allowed: readonly boolean[], shape: readonly number[]): Value =>
  constant(
    allowed.map((is) => (is ? 0 : FORBIDDEN)),
    "float32",
    shape,
  );

/** The first step of a path that is not allowed, in words. */
function forbiddenStep({ transitions, start, end }: CrfConstraints, path: ArrayLike<number>): string | undefined {
  const way = "is not allowed by the constraints; leave constrainTraining out, or correct the tags";
  const { length } = path;
  if (length === 0) return undefined;
  if (start[path[0] as number] === false) return `tag ${path[0]} at the first step ${way}`;
  for (let t = 1; t < length; t++)
    if (transitions[path[t - 1] as number]?.[path[t] as number] === false)
      return `tag ${path[t]} at step ${t}, after tag ${path[t - 1]}, ${way}`;
  return end[path[length - 1] as number] === false ? `tag ${path[length - 1]} at the last step ${way}` : undefined;
}

/**
 * A linear-chain CRF on an output of linear units, [batch, time, tags]: -log p(path) of each row's tags, where the score of a path is the sum of its units, of a transition between each
 * two tags that follow each other, and of its first and last tag. The transitions are parameters: `transitions` [tags, tags] from one tag to the next, `start` and `end` [tags].
 *
 * Targets are int32 tags from 0 on, one a step. There is one loss a row, within its length, and none past it; the mean is over rows, each of which counts once or by its
 * `sampleWeights`, however long it is. A row without steps has a loss of 0.
 *
 * A model predicts the units. `crfDecoder(trained)` makes the best path of them; `accuracy()` looks at the largest unit of each step, so figures of the best path come from the
 * decoder.
 *
 * @throws ConfigError for wrong options, and for an output that ends in a softmax; ShapeError for an output without time
 *
 * @example
 * const trainer = await compile(model, { backend, loss: crf({ constraints: bioConstraints(tags) }), optimizer: adam() });
 * await trainer.fit({ x, y }, { epochs: 10 });
 * const trained = await trainer.snapshot();
 * const paths = crfDecoder(trained).decode(await trainer.predict(x), x.map((row) => row.length));
 */
export const crf: LossMaker<CrfOptions, CrfConfig> = makeLosses({
  kind: "crf",
  parse(options: CrfOptions, owner: string): CrfConfig {
    const read = new OptionReader(owner, options, ["constraints", "constrainTraining"]);
    const constraints = options.constraints == null ? null : readConstraints(owner, options.constraints);
    const constrainTraining = read.boolean("constrainTraining", false);
    if (constrainTraining && constraints === null)
      throw new ConfigError(`${owner}: constrainTraining needs constraints, such as bioConstraints(tags)`);
    return { constraints, constrainTraining };
  },
  target({ constraints, constrainTraining }, output) {
    const count = featuresOf(output);
    const { op } = output.values.node;
    if (output.kind !== "sequence")
      throw new ShapeError(
        "it takes an output over time, [batch, time, tags]; a recurrence before it needs returnSequences",
      );
    if (count < 2) throw new ShapeError("the output has 1 unit; it needs one for each tag");
    if (op === "softmax" || op === "sigmoid")
      throw new ConfigError(`the output ends in a ${op}; a crf takes linear units: leave the activation out`);
    if (constraints && constraints.start.length !== count)
      throw new ShapeError(`constraints are for ${constraints.start.length} tags, and the output has ${count} units`);
    return {
      dtype: "int32",
      classes: count,
      each: "row",
      ...(constraints && constrainTraining ? { check: (path) => forbiddenStep(constraints, path) } : {}),
    };
  },
  build({ parameter }, { constraints, constrainTraining }, { prediction, target }) {
    const count = featuresOf(prediction);
    const scores = {
      transitions: parameter("transitions", [count, count], "glorotUniform"),
      start: parameter("start", [count], "zeros"),
      end: parameter("end", [count], "zeros"),
    };
    if (!constraints || !constrainTraining)
      return negativeLogLikelihood(prediction.values, target.values, prediction.lengths, scores);
    return negativeLogLikelihood(prediction.values, target.values, prediction.lengths, {
      transitions: add(scores.transitions, barred(constraints.transitions.flat(), [count, count])),
      start: add(scores.start, barred(constraints.start, [count])),
      end: add(scores.end, barred(constraints.end, [count])),
    });
  },
});
