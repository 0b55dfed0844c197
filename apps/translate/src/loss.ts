/** What training minimises: the crossentropy of all tokens, or of a sample of them. */
import { UsageError } from "@ostinato/app";
import {
  accuracy,
  type CompileOptions,
  ConfigError,
  sampledSoftmaxLoss,
  sparseCategoricalCrossentropy,
} from "@ostinato/core";
import { endId } from "@ostinato/translator";

/** The options. */
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

/** For `catch` where a model is compiled with the loss. Throws `UsageError` where the model of `--init` makes its scores otherwise than a sampled loss takes them, or else the error. */
export function explainLoss(error: unknown, { sampledSoftmax }: LossOptions): never {
  if (sampledSoftmax !== undefined && error instanceof ConfigError && error.message.startsWith(sampledSoftmaxLoss.name))
    throw new UsageError(`--sampled-softmax does not suit the model of --init; leave it out (${error.message})`, {
      cause: error,
    });
  throw error;
}
