/** What training makes small: the crossentropy of all tokens, or of a sample of them. */
import { UsageError } from "@ostinato/app";
import { accuracy, type CompileOptions, sampledSoftmaxLoss, sparseCategoricalCrossentropy } from "@ostinato/core";
import { endId } from "@ostinato/translator";

/** What of it can be chosen. */
export interface LossOptions {
  /** Of the probability of each right token, what the loss spreads evenly over all ids: it becomes 1 - s + s / ids, all others s / ids. */
  readonly labelSmoothing: number;
  /** A step computes the scores of the right tokens and of so many others, and no accuracy. Default: of all. */
  readonly sampledSoftmax?: number;
}

/**
 * The loss and the metrics of training, for targets of ids below `idCount`. Tokens are sampled as often as they occur, and one more time.
 *
 * @throws UsageError for a sample that is larger than the vocabulary
 */
export function lossOf(
  { labelSmoothing, sampledSoftmax }: LossOptions,
  targets: readonly (readonly number[])[],
  idCount: number,
): Pick<CompileOptions, "loss" | "metrics"> {
  if (sampledSoftmax === undefined)
    return { loss: sparseCategoricalCrossentropy({ labelSmoothing }), metrics: [accuracy()] };
  if (sampledSoftmax > idCount)
    throw new UsageError(
      `--sampled-softmax ${sampledSoftmax} is more than the ${idCount} tokens; give fewer, or leave it out`,
    );
  const distribution = new Array<number>(idCount).fill(1);
  for (const ids of [...targets, targets.map(() => endId)])
    for (const id of ids) distribution[id] = (distribution[id] as number) + 1;
  return { loss: sampledSoftmaxLoss({ samples: sampledSoftmax, distribution, labelSmoothing }) };
}
