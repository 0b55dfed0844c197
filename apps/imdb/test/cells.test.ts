/** The recurrent part of the network: each cell, stacked, with dropout, from one file on every backend and in onnxruntime. */
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { loadCheckpoint, loadModel } from "@ostinato/core/node";
import { describe, expect, test } from "vitest";
import { cellNames } from "../src/network.ts";
import { lastingFolder, runInside, temporaryFolder } from "./runCli.ts";
import { columns, drawnRows, writeCsv } from "./tables.ts";
import { bytesOf, expectSameEverywhere, expectSameFiles, probabilitiesOn, trained } from "./trainings.ts";

const folder = lastingFolder();
const data = writeCsv(folder, drawnRows(240, 2));
const small = ["train", "--data", data, ...columns, "--units", "8", "--max-words", "60", "--batch-size", "16"];
const texts = drawnRows(40, 2, 5, 30).map(({ message }) => message);

async function trainedSmall(options: readonly string[], out = temporaryFolder()) {
  return { out, events: await trained([...small, ...options], out) };
}

/** Each cell alone, two layers in both directions with both kinds of dropout, and each with a pooling. */
const networks = [
  ...cellNames.flatMap((cell) => [
    `--cell ${cell}`,
    `--cell ${cell} --layers 2 --bidirectional --dropout 0.1 --recurrent-dropout 0.2`,
  ]),
  "--cell lstm --pooling max",
  "--cell gru --layers 2 --pooling mean",
  "--cell rnn --bidirectional --pooling max",
];
const course = (epochs: number) => ["--learning-rate", "0.02", "--epochs", String(epochs)];

describe.each(networks)("%s", (network) => {
  const options = network.split(" ");
  const out = join(folder, network.replaceAll(" ", ""));

  test("trains; stopped and resumed it ends with the same bytes", async () => {
    const { events } = await trainedSmall([...options, ...course(4)], out);
    const losses = events.filter(({ event }) => event === "epoch").map(({ loss }) => Number(loss));
    expect(losses[3]).toBeLessThan((losses[0] as number) - 0.05);
    const half = temporaryFolder();
    await trainedSmall([...options, ...course(2)], half);
    await trainedSmall([...options, ...course(4), "--resume"], half);
    expectSameFiles(out, half);
  }, 30_000);

  test("the same file gives the same probabilities on every backend and in onnxruntime, within 1e-5", async () => {
    await expectSameEverywhere(out, texts);
  }, 30_000);

  test("evaluate and export agree with onnxruntime", async () => {
    const figures: { loss: number; confusion: number[][] }[] = [];
    for (const backend of ["wasm", "onnx"]) {
      const { code, stdout, stderr } = await runInside(["evaluate", "--model", out, "--backend", backend, "--json"]);
      expect({ code, stderr }, backend).toEqual({ code: 0, stderr: "" });
      figures.push(eventsOf(stdout).find(({ event }) => event === "test") as (typeof figures)[number]);
    }
    expect(figures[0]?.confusion.flat().reduce((sum, count) => sum + count)).toBe(48);
    expect(figures[1]?.confusion).toEqual(figures[0]?.confusion);
    expect(figures[1]?.loss).toBeCloseTo(figures[0]?.loss as number, 5);
    const { code, stdout } = await runInside(["export", "--model", out, "--json"]);
    expect(code).toBe(0);
    // Words drawn at random leave a network undecided: the command allows more than for texts.
    const { maxDifference, tolerance } = eventsOf(stdout)[0] as { maxDifference: number; tolerance: number };
    expect(tolerance).toBe(1e-4);
    expect(maxDifference).toBeLessThanOrEqual(tolerance);
  }, 30_000);
});

test("the preset article, whose padding is not masked, takes other cells too", async () => {
  const { out } = await trainedSmall(["--preset", "article", "--max-length", "20", "--cell", "gru", "--epochs", "1"]);
  const expected = await probabilitiesOn("cpu", out, texts);
  for (const backend of ["wasm", "onnx"])
    for (const [row, probability] of (await probabilitiesOn(backend, out, texts)).entries())
      expect(Math.abs(probability - (expected[row] as number))).toBeLessThanOrEqual(1e-5);
}, 30_000);

test("the network is told in the summary and in the event, and kept in the model, the history and the checkpoint", async () => {
  const recurrent = "--cell gru --layers 2 --bidirectional --dropout 0.25 --recurrent-dropout .5 --pooling mean";
  const options = [...recurrent.split(" "), "--epochs", "1"];
  const out = temporaryFolder();
  const { stdout } = await runInside([...small, ...options, "--class-weight", "login=3", "--out", out]);
  expect(stdout).toMatch(
    /^2 bidirectional GRU layers of 8 units, dropout 0\.25, recurrent dropout 0\.5, mean pooling; class weights billing 1, login 3$/m,
  );
  const network = {
    cell: "gru",
    layers: 2,
    bidirectional: true,
    dropout: 0.25,
    recurrentDropout: 0.5,
    pooling: "mean",
  };
  const told = { network: { ...network, units: 8 }, classWeight: { billing: 1, login: 3 } };
  const { events } = await trainedSmall([...options, "--class-weight", "login=3"]);
  expect(events.find(({ event }) => event === "model")).toMatchObject(told);
  const { spec, metadata } = await loadModel(join(out, "model.safetensors"));
  const config = { units: 8, dropout: 0.25, recurrentDropout: 0.5 };
  const layer = { kind: "gru", config: { ...config, returnSequences: true } };
  expect(spec.layers.slice(1, 4)).toMatchObject([
    { kind: "bidirectional", config: { layer } },
    { kind: "bidirectional", config: { layer } },
    { kind: "globalAveragePooling1d" },
  ]);
  expect(metadata?.classWeight).toEqual({ billing: 1, login: 3 });
  const kept = { ...network, classWeight: "billing=1,login=3" };
  expect(JSON.parse(bytesOf(out, "history.json").toString("utf8")).options).toMatchObject(kept);
  expect((await loadCheckpoint(join(out, "checkpoint.safetensors"))).callbacks.settings).toMatchObject(kept);
});

test("the defaults are the article's network, and leave no trace in the files: older trainings can be resumed", async () => {
  const implicit = await trainedSmall(["--epochs", "1"]);
  const said = ["--cell", "lstm", "--layers", "1", "--dropout", "0", "--recurrent-dropout", "0", "--pooling", "last"];
  const explicit = await trainedSmall([...said, "--epochs", "1"]);
  expectSameFiles(implicit.out, explicit.out);
  const { spec, metadata } = await loadModel(join(implicit.out, "model.safetensors"));
  expect(spec.layers.map(({ kind }) => kind)).toEqual(["embedding", "lstm", "dense"]);
  expect(spec.layers[1]?.config).toMatchObject({ units: 8, dropout: 0, recurrentDropout: 0, returnSequences: false });
  expect(Object.keys(metadata ?? {})).toEqual(["app", "preset", "seed", "data", "textClassifier"]);
  const { settings } = (await loadCheckpoint(join(implicit.out, "checkpoint.safetensors"))).callbacks;
  expect(Object.keys(settings as object).sort()).toEqual(
    "batchSize data digest embedding labelColumn learningRate maxLength maxWords preset saveEvery seed textColumn units".split(
      " ",
    ),
  );
});

test("resuming with another network is an error that names what differs", async () => {
  const { out } = await trainedSmall(["--cell", "gru", "--class-weight", "login=3,billing=1", "--epochs", "1"]);
  const resume = (options: readonly string[]) =>
    runInside([...small, ...options, "--epochs", "2", "--out", out, "--resume"]);
  const other = await resume("--layers 2 --bidirectional --dropout 0.5 --class-weight balanced".split(" "));
  expect(other).toMatchObject({ code: 2, stdout: "" });
  expect(other.stderr).toMatch(/^imdb: --resume: .* with other settings: [^\n]*--cell was gru, is lstm[^\n]*\n$/);
  expect(other.stderr).toContain("--layers was 1, is 2");
  expect(other.stderr).toContain("--bidirectional was false, is true");
  expect(other.stderr).toContain("--dropout was 0, is 0.5");
  expect(other.stderr).toContain("--class-weight was billing=1,login=3, is balanced");
  // The same weights, written in another way.
  expect(await resume(["--cell", "gru", "--class-weight", "login=3.0"])).toMatchObject({ code: 0, stderr: "" });
});
