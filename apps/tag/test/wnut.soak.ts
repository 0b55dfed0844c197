/** Names in tweets: WNUT-17 without pre-trained vectors, with a CRF and with a softmax, on the development set, by which the bias was chosen. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { expect, test } from "vitest";
import { runProcess, temporaryFolder } from "./runCli.ts";

const wnut = join(import.meta.dirname, "../../../../shared/data/wnut17");
/** The settings of the README. */
const settings = [
  ["--units", "64", "--embedding", "64", "--dropout", "0.5", "--word-dropout", "0.3", "--shape-dropout", "0.5"],
  ["--min-count", "1", "--batch-size", "16", "--learning-rate", "0.01", "--decay", "0.9", "--average", "0.98"],
  ["--outside-bias", "2", "--epochs", "14"],
].flat();
const seeds = [1, 2, 3];

/** F1 of the spans of the development set. */
async function f1Of(output: string, seed: number): Promise<number> {
  const out = temporaryFolder();
  const data = ["--data", join(wnut, "train.conll"), "--no-test"];
  const trained = await runProcess([
    "train",
    ...data,
    ...settings,
    "--output",
    output,
    "--seed",
    `${seed}`,
    "--out",
    out,
  ]);
  expect(trained).toMatchObject({ code: 0, stderr: "" });
  const tested = await runProcess(["evaluate", "--model", out, "--data", join(wnut, "dev.conll"), "--json"]);
  const [event] = eventsOf(tested.stdout);
  console.log(`${output}, seed ${seed}: F1 ${event?.spanF1}`);
  return event?.spanF1 as number;
}

test("the CRF is ahead of the softmax, and where the README says", async ({ skip }) => {
  if (!existsSync(wnut)) skip(`the data for tests are not at ${wnut}`);
  const mean = async (output: string): Promise<number> => {
    let sum = 0;
    for (const seed of seeds) sum += await f1Of(output, seed);
    return sum / seeds.length;
  };
  const [softmax, crf] = [await mean("softmax"), await mean("crf")];
  console.log(`means of ${seeds.length} seeds: softmax ${softmax.toFixed(4)}, CRF ${crf.toFixed(4)}`);
  expect(crf).toBeGreaterThan(0.3);
  expect(crf - softmax).toBeGreaterThan(0.01);
});
