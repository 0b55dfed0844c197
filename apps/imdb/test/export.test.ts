/** `export` when onnxruntime does not agree, and `start`, which goes the whole way. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { expect, test, vi } from "vitest";
import { runInside, smallTraining, temporaryFolder } from "./runCli.ts";

const error = vi.hoisted(() => ({ added: 0 }));

vi.mock("@ostinato/onnx/node", async (original) => {
  const { onnxPredictor } = await original<typeof import("@ostinato/onnx/node")>();
  return {
    onnxPredictor: async (model: Uint8Array) => {
      const predictor = await onnxPredictor(model);
      return {
        predict: async (...args: Parameters<typeof predictor.predict>) => {
          const answer = await predictor.predict(...args);
          return { ...answer, data: answer.data.map((probability) => probability + error.added) };
        },
        [Symbol.asyncDispose]: () => predictor.dispose(),
      };
    },
  };
});

test("a difference above 1e-5, or none that can be told, is a failure: exit code 1 and no file", async () => {
  const model = temporaryFolder();
  expect((await runInside([...smallTraining, "--epochs", "1", "--out", model])).code).toBe(0);
  for (const added of [2e-5, Number.NaN]) {
    error.added = added;
    const { code, stderr } = await runInside(["export", "--model", model]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^imdb: onnxruntime does not agree: max \|difference\| (2\.\d\de-5|NaN) over 1,000 test reviews/,
    );
    expect(existsSync(join(model, "model.onnx"))).toBe(false);
  }
  error.added = 0;
  expect((await runInside(["export", "--model", model])).code).toBe(0);
  const { code, stdout } = await runInside(["export", "--model", model]); // an earlier export is replaced
  expect(code).toBe(0);
  expect(stdout).toMatch(/max \|difference\| \d\.\d\de-\d over 1,000 test reviews at batch sizes 1, 7, 33, 109/);
  expect(existsSync(join(model, "model.onnx"))).toBe(true);
}, 60_000);

test("start trains five epochs, evaluates, draws and exports", async () => {
  const out = temporaryFolder();
  const { code, stdout, stderr } = await runInside(["start", ...smallTraining.slice(1), "--out", out, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const events = eventsOf(stdout).map(({ event }) => event);
  expect(events).toEqual(["model", ...Array(5).fill("epoch"), "saved", "test", "classes", "saved", "export"]);
  // biome-ignore format: by what they are of
  expect(readdirSync(out).sort()).toEqual([
    "accuracy.png", "accuracy.svg", "best.safetensors", "checkpoint.safetensors", "checkpoint.safetensors.previous",
    "history.json", "loss.png", "loss.svg", "model.json", "model.onnx", "model.safetensors", "roc.png", "roc.svg",
  ]);
}, 60_000);
