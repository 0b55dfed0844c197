/** Measuring weights in fewer bits: both exports answer in turn, and each stays open until its last answer. */
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Output } from "../src/output.ts";
import { compareWeights } from "../src/weight-comparison.ts";

test("each export is open for all of its answers, and then disposed of", async () => {
  const log: string[] = [];
  const output = {
    say: (text: string) => log.push(text),
    progress: () => ({ update: (done: number, count: number) => log.push(`${done}/${count}`), stop: () => {} }),
  };
  const open = async (name: string) => ({
    name,
    async [Symbol.asyncDispose]() {
      log.push(`disposed ${name}`);
    },
  });
  const measured = await compareWeights(
    {
      ...{ float32: "float32", own: "int8", float32Bytes: 400, rows: 3, noun: "texts" },
      open,
      async answers({ name }, onProgress) {
        for (const step of [1, 2]) {
          await setImmediate();
          await onProgress(step, 2);
        }
        return name === "float32" ? ["a", "b", "c"] : ["a", "x", "c"];
      },
      changes: (wanted, given) => ({
        changed: given.filter((answer, row) => answer !== wanted[row]).length,
        changes: "1 of 3 texts differs",
      }),
      metric: {
        ...({ name: "accuracy", title: "accuracy", better: "higher" } as const),
        score: (answers) => answers.filter((answer) => answer !== "x").length / answers.length,
      },
    },
    { opset: 17, weights: "int8", tokenType: "int32" },
    { maxLoss: 0.5 },
    output as unknown as Output,
  );
  const turn = (name: string) => ["1/2", "2/2", `disposed ${name}`];
  expect(log).toEqual(["Measuring int8 weights on 3 texts.", ...turn("float32"), ...turn("int8")]);
  expect(measured).toEqual({
    ...{ type: "int8", float32Bytes: 400, rows: 3, changed: 1, changes: "1 of 3 texts differs" },
    figure: { name: "accuracy", title: "accuracy", better: "higher", float32: 1, own: 2 / 3, maxLoss: 0.5 },
  });
});
