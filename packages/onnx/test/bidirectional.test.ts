/** Exported bidirectional models in onnxruntime: every cell, merge and form of output, ragged rows, several sizes. */
import { evaluate } from "@ostinato/conformance";
import {
  bidirectional,
  gru,
  inferenceGraph,
  input,
  int32,
  lstm,
  mergeModes,
  model,
  nodesOf,
  rootsOf,
  simpleRnn,
  type Tensor,
} from "@ostinato/core";
import { graphToOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import { lengthsOf, randomFloats } from "./models.ts";
import { difference } from "./run.ts";

/** Untyped, for options that are known when the test runs. */
const cells: Readonly<Record<string, (options: object) => never>> = {
  lstm: lstm as never,
  gru: gru as never,
  simpleRnn: simpleRnn as never,
};

const cases = Object.keys(cells).flatMap((cell) =>
  mergeModes.flatMap((mergeMode) => [false, true].map((returnSequences) => ({ cell, mergeMode, returnSequences }))),
);

test.each(cases)("%o", async ({ cell, mergeMode, returnSequences }) => {
  const x = input({ shape: ["time", 3], name: "x", lengths: true });
  const inner = (cells[cell] as (options: object) => never)({ units: 4, returnSequences });
  const { spec } = model(x, bidirectional(inner, { mergeMode })(x));
  const graph = inferenceGraph(spec);
  const states = nodesOf(rootsOf(graph)).flatMap((node) =>
    node.op === "input" && node.attrs.kind === "state" ? [node.attrs] : [],
  );
  const weights = Object.fromEntries(
    states.map(({ name, shape }, i) => [name, randomFloats(shape as number[], 10 + i)]),
  );
  const session = await openSession(graphToOnnx(graph, weights), { threads: 1 });
  for (const batch of [1, 2, 7]) {
    for (const time of [1, 5, 33]) {
      const { data } = lengthsOf(batch, time, batch + time);
      const feeds = { x: randomFloats([batch, time, 3], batch), "x/lengths": int32([batch], data) };
      const given = await session.run(feeds);
      const wanted = evaluate(graph, feeds, weights).fetches.output as Tensor;
      expect(difference(given.output as Tensor, wanted), `${batch} × ${time}`).toBeLessThanOrEqual(1e-5);
    }
  }
  await session.dispose();
});
