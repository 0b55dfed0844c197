/** Memory over ten thousand steps: of JavaScript, and of WebAssembly. */
import { memoryGrowth } from "@ostinato/conformance";
import { expect, test, vi } from "vitest";
import { wasm } from "../src/index.ts";
import { WasmMemory } from "../src/memory.ts";

test.each([1, 2])("neither grows from step 1,000 to step 10,000 (threads: %d)", async (threads) => {
  const open = vi.spyOn(WasmMemory, "open");
  const held = (): number => open.mock.settledResults.at(-1)?.value.f32.buffer.byteLength;
  const growth = await memoryGrowth(await wasm({ threads }), 1000, 10_000, held);
  vi.restoreAllMocks();
  expect(growth.heap).toBeLessThan(0.01);
  expect(growth.held).toBe(0);
});
