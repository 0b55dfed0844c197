/** What tests of networks do with each: train it, compare the files of two trainings, and ask it on every runtime. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runtimeNames } from "@ostinato/app";
import { eventsOf } from "@ostinato/app/testing";
import { expect } from "vitest";
import { runInside } from "./runCli.ts";

/** Runs `train` into a folder; its events. */
export async function trained(args: readonly string[], out: string) {
  const { code, stdout, stderr } = await runInside([...args, "--out", out, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return eventsOf(stdout);
}

export const bytesOf = (out: string, file: string): Buffer => readFileSync(join(out, file));

/** Two trainings have left the same model, best model and history. */
export function expectSameFiles(out: string, other: string): void {
  for (const file of ["model.safetensors", "best.safetensors", "history.json"])
    expect(bytesOf(other, file).equals(bytesOf(out, file)), file).toBe(true);
}

export async function probabilitiesOn(backend: string, model: string, texts: readonly string[]): Promise<number[]> {
  const { code, stdout } = await runInside(["predict", "--model", model, "--backend", backend, "--json", ...texts]);
  expect(code).toBe(0);
  return eventsOf(stdout).map(({ probability }) => Number(probability));
}

/** The model in a folder gives the same probabilities on every backend and in onnxruntime, within 1e-5. */
export async function expectSameEverywhere(model: string, texts: readonly string[]): Promise<void> {
  const expected = await probabilitiesOn("cpu", model, texts);
  expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.1);
  for (const backend of runtimeNames) {
    const differences = (await probabilitiesOn(backend, model, texts)).map((p, row) =>
      Math.abs(p - (expected[row] as number)),
    );
    expect(differences, backend).toHaveLength(texts.length);
    expect(Math.max(...differences), backend).toBeLessThanOrEqual(1e-5);
  }
}
