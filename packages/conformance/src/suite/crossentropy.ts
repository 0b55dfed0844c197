/** What PyTorch's cross_entropy gives with label smoothing: the loss of each row, and the gradient of the logits. */
import { feed, gradients, int32, softmax, sparseCategoricalCrossentropy } from "@ostinato/core";
import golden from "../golden/pytorch-crossentropy.json" with { type: "json" };
import { type GoldenCase, plain, single } from "./goldenCase.ts";

export function crossentropyCases(): GoldenCase[] {
  return golden.cases.flatMap(({ labels, labelSmoothing, ...tensors }) =>
    ["logits", "softmax"].map((from): GoldenCase => {
      const [rows, classes] = tensors.logits.shape;
      const logits = feed("logits", "float32", [rows, classes]);
      const loss = sparseCategoricalCrossentropy({ labelSmoothing, fromLogits: from === "logits" });
      const losses = loss.perRow(from === "logits" ? logits : softmax(logits), feed("labels", "int32", [rows]));
      const [d] = gradients([{ value: losses, cotangent: feed("cotangents", "float32", [rows]) }], [logits]);
      return {
        name: `pytorch cross_entropy: ${rows} x ${classes}, smoothing ${labelSmoothing}, from ${from}`,
        fetches: { losses, "d logits": d },
        feeds: single({
          logits: plain(tensors.logits),
          cotangents: plain(tensors.cotangents),
          labels: int32([rows], labels),
        }),
        expected: { losses: plain(tensors.losses), "d logits": plain(tensors.gradients) },
      };
    }),
  );
}
