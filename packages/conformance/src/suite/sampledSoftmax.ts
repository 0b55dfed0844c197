/** What TensorFlow's sampled_softmax_loss gives with the classes that our loss draws: the loss of each row, and the gradients of features, table and bias. */
import {
  dot,
  dropoutMask,
  feed,
  gradients,
  int32,
  sampledSoftmaxLoss,
  softmax,
  transpose,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import golden from "../golden/tensorflow-sampled-softmax.json" with { type: "json" };
import { type GoldenCase, plain, single } from "./goldenCase.ts";

export function sampledSoftmaxCases(): GoldenCase[] {
  return golden.cases.flatMap(({ step, candidates, labels, ...tensors }) =>
    ["a table of classes", "a kernel"].map((form): GoldenCase => {
      const float = (name: "features" | "table" | "bias"): Value => feed(name, "float32", tensors[name].shape);
      const [features, table, bias] = [float("features"), float("table"), float("bias")];
      const contract = form === "a kernel" ? ([[1], [0]] as const) : ([[1], [1]] as const);
      const logits = add(dot(features, form === "a kernel" ? transpose(table, [1, 0]) : table, { contract }), bias);
      const output = { kind: "features" as const, values: softmax(logits) };
      const losses = sampledSoftmaxLoss({ samples: candidates.length }).perRow(
        output.values,
        feed("labels", "int32", [labels.length]),
        {
          name: "output/sampledSoftmaxLoss",
          output,
          parameter: () => table,
          mask: (rate, shape) => dropoutMask(feed("step", "int32", []), { rate, shape, seed: 3, site: 4 }),
        },
      );
      const inputs = [features, table, bias];
      const [dFeatures, dTable, dBias] = gradients(
        [{ value: losses, cotangent: feed("cotangents", "float32", [labels.length]) }],
        inputs,
      );
      const { features: x, table: w, bias: b, cotangents } = tensors;
      return {
        name: `tensorflow sampled_softmax_loss: ${labels.length} of ${w.shape[0]}, step ${step}, ${form}`,
        fetches: { losses, "d features": dFeatures, "d table": dTable, "d bias": dBias },
        feeds: {
          ...single({ features: plain(x), table: plain(w), bias: plain(b), cotangents: plain(cotangents) }),
          labels: int32([labels.length], labels),
          step: int32([], [step]),
        },
        expected: {
          losses: plain(tensors.losses),
          "d features": plain(tensors.gradients.features),
          "d table": plain(tensors.gradients.table),
          "d bias": plain(tensors.gradients.bias),
        },
      };
    }),
  );
}
