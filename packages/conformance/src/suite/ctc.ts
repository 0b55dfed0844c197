/** What PyTorch's ctc_loss gives: the loss of each row, and the gradient of the logits. */
import { ctc, feed, gradients, int32, type Tensors } from "@ostinato/core";
import golden from "../golden/pytorch-ctc.json" with { type: "json" };
import { type GoldenCase, plain, single } from "./goldenCase.ts";

export function ctcCases(): GoldenCase[] {
  return golden.cases.map(({ blank, steps, labels, ...tensors }, k): GoldenCase => {
    const [time, batch, classes] = tensors.logits.shape;
    const longest = Math.max(1, ...labels.map((row) => row.length));
    const logits = feed("logits", "float32", [time, batch, classes]);
    const lengths = feed("steps", "int32", [batch]);
    const losses = ctc({ blank }).perRow(logits, feed("labels", "int32", [longest, batch]), {
      name: "output/ctc",
      output: { kind: "sequence", values: logits, lengths },
      targetLengths: feed("labelLengths", "int32", [batch]),
      parameter: () => {
        throw new Error("it has none");
      },
    });
    const [d] = gradients([{ value: losses, cotangent: feed("cotangents", "float32", [batch]) }], [logits]);
    const stored: Tensors = {
      logits: plain(tensors.logits),
      cotangents: plain(tensors.cotangents),
      steps: int32([batch], steps),
      labels: int32(
        [longest, batch],
        Array.from({ length: longest * batch }, (_, i) => labels[i % batch][Math.floor(i / batch)] ?? 0),
      ),
      labelLengths: int32(
        [batch],
        labels.map((row) => row.length),
      ),
    };
    return {
      name: `pytorch ctc ${k}: ${batch} x ${time} x ${classes}, blank ${blank}`,
      fetches: { losses, "d logits": d },
      feeds: single(stored),
      expected: { losses: plain(tensors.losses), "d logits": plain(tensors.gradients) },
    };
  });
}
