/** 100,000 damaged graph descriptions: only typed errors, each within a second. */
import { graphTrained, inferenceGraph, RandomStream } from "@ostinato/core";
import { expect, test } from "vitest";
import { damageGraphs } from "./damagedGraphs.ts";
import { smallModel } from "./models.ts";

test("100,000 mutations of a graph", () => {
  const { spec, weights } = smallModel();
  const models = [graphTrained(inferenceGraph(spec), weights)];
  const { read, slowest } = damageGraphs(100_000, models, new RandomStream(4, "damaged graphs"));
  expect(slowest).toBeLessThan(1000);
  expect(read).toBeGreaterThan(2500);
});
