/** Sequences that are written side by side have the bits of each alone. */
import { expectSameDecodingBits } from "@ostinato/conformance";
import {
  attention,
  bidirectional,
  decodingOf,
  embedding,
  encoderDecoder,
  gru,
  hoist,
  joinPads,
  lower,
  lstm,
} from "@ostinato/core";
import { expect, test } from "vitest";
import { stepGraph } from "../../core/src/decoding/graphs.ts";
import { wasm } from "../src/index.ts";

for (const simd of ["auto", "plain"] as const)
  test(`${simd} SIMD: a row's log-probabilities do not depend on the rows beside it`, async () => {
    await expectSameDecodingBits(await wasm({ simd, threads: 2 }));
  });

test("a step looks up, chooses and scores by the module's own kernels", async () => {
  const { spec } = encoderDecoder({
    sourceEmbedding: embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
    targetEmbedding: embedding({ inputDim: 7, outputDim: 4, maskZero: true }),
    encoder: [bidirectional(gru({ units: 3 }))],
    decoder: [lstm({ units: 6 })],
    attention: attention({ scoreMode: "general" }),
  });
  const graph = stepGraph(decodingOf(spec), { top: 6, limited: true, attention: true });
  const { plain, decomposed } = lower(graph, await wasm({ threads: 1 }), [hoist, joinPads]);
  // Of one number each, or one for each row; and the choice of what may come, which is one pass.
  const small = ["iota", "constant", "sequenceLengths", "sequenceMask", "select"];
  expect(plain.filter((op) => !small.includes(op))).toEqual([]);
  expect(decomposed).toEqual([]);
});
