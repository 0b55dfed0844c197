/** 100,000 damaged files: only typed errors, each within a second. */
import { expect, test } from "vitest";
import { damageOften } from "./damagedFiles.ts";

test("100,000 mutations of files", async () => {
  const { refused, read } = await damageOften(100_000, 2);
  expect(refused).toBeGreaterThan(25_000);
  expect(read).toBeGreaterThan(5000);
});
