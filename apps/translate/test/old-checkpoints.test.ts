/** Trainings that began with an earlier version. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { loadCheckpoint, saveCheckpoint } from "@ostinato/core/node";
import { expect, test } from "vitest";
import { runInside, small, spelledRows, temporaryFolder, writeRows } from "./runCli.ts";

test("a checkpoint from before there were BLEU and averages in validation goes on with what it had", async () => {
  const own = temporaryFolder();
  const args = [
    "train",
    "--data",
    writeRows(own, spelledRows()),
    ...small,
    "--decay-epochs",
    "2",
    "--out",
    join(own, "model"),
  ];
  expect(await runInside([...args, "--epochs", "1"])).toMatchObject({ code: 0, stderr: "" });
  const file = join(own, "model", "checkpoint.safetensors");
  const { settings, callbacks, ...checkpoint } = await loadCheckpoint(file);
  const { validateAveraged, ...before } = settings;
  expect(validateAveraged).toBe(true);
  expect(callbacks.score).toMatchObject({ name: "valBleu" });
  await saveCheckpoint(file, {
    ...checkpoint,
    settings: before,
    callbacks: { ...callbacks, score: { scores: [1.5] } },
  });
  expect(await runInside([...args, "--epochs", "2", "--resume"])).toMatchObject({ code: 0, stderr: "" });
  const history = JSON.parse(readFileSync(join(own, "model", "history.json"), "utf8"));
  expect(history.epochs).toMatchObject([{ valPhoneErrorRate: 1.5 }, { valPhoneErrorRate: expect.any(Number) }]);

  const known = history.epochs[1].valPhoneErrorRate;
  history.epochs[0].valPhoneErrorRate = null;
  writeFileSync(join(own, "model", "history.json"), JSON.stringify(history));
  const told = eventsOf((await runInside(["info", "--model", join(own, "model"), "--json"])).stdout)[0];
  expect(told).toMatchObject({ epochs: 2, bestEpoch: 2, valPhoneErrorRate: known });
});
