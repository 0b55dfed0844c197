/** 100,000 damaged files in onnxruntime: only typed errors, each within a second, and no aborted process. */
import { expect, test } from "vitest";
import { damageSessions } from "./damagedSessions.ts";

test("100,000 mutations of files", { timeout: 3_600_000 }, async () => {
  const { refused, read } = await damageSessions(100_000, 2);
  expect(refused).toBeGreaterThan(50_000);
  expect(read).toBeGreaterThan(10_000);
});
