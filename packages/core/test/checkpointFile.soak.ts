/** 100,000 damaged checkpoints: only typed errors, none that takes a second. */
import { RandomStream } from "@ostinato/core";
import { expect, test } from "vitest";
import { damageOften } from "./checkpoints.ts";

test("100,000 mutations of a checkpoint", () => {
  const { refused, read, slowest } = damageOften(100_000, new RandomStream(2, "mutations"));
  expect(slowest).toBeLessThan(1000);
  expect(refused).toBeGreaterThan(75_000);
  expect(read).toBeGreaterThan(2500);
});
