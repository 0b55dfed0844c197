/** Damaged files: only typed errors, each within a second, and no buffer much longer than the file. */
import { expect, test } from "vitest";
import { damageOften } from "./damagedFiles.ts";

test("2,000 mutations of files", async () => {
  const { refused, read } = await damageOften(2000, 1);
  expect(refused).toBeGreaterThan(500);
  expect(read).toBeGreaterThan(100);
});
