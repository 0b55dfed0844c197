/** What Keras computes for a text classifier: embedding, LSTM, dense and loss, over padded ids. */
import {
  float64,
  gather,
  int32,
  matmul,
  mean,
  mul,
  recurrence,
  reshape,
  sequenceLengths,
  sigmoid,
  softplus,
  sub,
  transpose,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import keras from "../../golden/keras-classifier.json" with { type: "json" };
import { feedsOf, type GoldenCase, type GoldenTensor, gates, plain, single } from "../goldenCase.ts";

/** Keras keeps weights as [input, output]. */
function transposed({ shape: [rows, columns], data }: GoldenTensor): GoldenTensor {
  const moved = Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
  return { shape: [columns, rows], data: moved };
}

function kerasCase({ ids, labels, weights, h, probabilities, loss }: (typeof keras.cases)[number]): GoldenCase {
  const feeds = {
    ids: int32(ids.shape, ids.data),
    labels: float64([labels.length], labels),
    embeddings: plain(weights.embeddings),
    W: gates("lstm", transposed(weights.kernel), "keras"),
    R: gates("lstm", transposed(weights.recurrent_kernel), "keras"),
    B: gates("lstm", weights.bias, "keras"),
    kernel: plain(weights.dense_kernel),
    bias: plain(weights.dense_bias),
  };
  const value = feedsOf(feeds) as { readonly [name in keyof typeof feeds]: Value };
  const words = transpose(value.ids, [1, 0]);
  const { W, R, B } = value;
  const final = recurrence("lstm", { X: gather(value.embeddings, words), W, R, B, lengths: sequenceLengths(words) }).h;
  const logits = reshape(add(matmul(final, value.kernel), value.bias), [labels.length]);
  return {
    name: `keras classifier ${ids.shape.join(" × ")}`,
    feeds: single(feeds),
    fetches: {
      h: final,
      probabilities: sigmoid(logits),
      loss: mean(sub(softplus(logits), mul(value.labels, logits))),
    },
    expected: {
      h: plain(h),
      probabilities: float64([labels.length], probabilities),
      loss: float64([], [loss]),
    },
  };
}

/** Every case of Keras. */
export const kerasCases = (): GoldenCase[] => keras.cases.map(kerasCase);
