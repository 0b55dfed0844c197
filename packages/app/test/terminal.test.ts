/** What is drawn: the bar on a terminal, plain lines elsewhere, and charts whose text can be read. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Chart, writeChart } from "../src/charts/draw.ts";
import { classificationFigures, type HistoryFigure, historyChart } from "../src/charts/history.ts";
import { excerpt, shownDuration } from "../src/format.ts";
import { partRecorder } from "../src/history.ts";
import { createOutput } from "../src/output.ts";
import { appRunner, recorder } from "../src/testing/index.ts";

const { temporaryFolder } = appRunner("app", "", async () => 0);

const people = { name: "app", json: false };
const figures = { loss: 0.5, accuracy: 0.75 };

describe("progress", () => {
  test("a bar with steps, time a step, time left and running figures on a terminal", () => {
    const [stdout, stderr] = [recorder(true), recorder(true)];
    const progress = createOutput({ stdout, stderr }, people).progress("epoch 1/5");
    for (let step = 1; step <= 704; step++) progress.update(step, 704, figures);
    progress.stop();
    expect(stdout.text()).toBe("");
    expect(stderr.text()).toMatch(
      /epoch 1\/5 .*704\/704 {2}0\.\d ms\/step {2}0\.0 s left {2}loss 0\.5000 {2}accuracy 0\.7500/,
    );
  });

  test("eleven plain lines without a terminal, and silence with --json", () => {
    const [stdout, stderr] = [recorder(), recorder()];
    const plain = createOutput({ stdout, stderr }, people).progress("epoch 1/5");
    for (let step = 1; step <= 704; step++) plain.update(step, 704, figures);
    plain.stop();
    const lines = stdout.text().split("\n");
    expect(lines).toHaveLength(12);
    expect(lines[0]).toMatch(/^epoch 1\/5 {2}step 1\/704 /);
    expect(lines[10]).toMatch(/^epoch 1\/5 {2}step 704\/704 .*accuracy 0\.7500$/);

    const silent = recorder();
    createOutput({ stdout: silent, stderr }, { name: "app", json: true }).progress("epoch 1/5").update(1, 10, figures);
    expect([silent.text(), stderr.text()]).toEqual(["", ""]);
  });
});

test("the time of all, where more comes after, and the terminal has room for it", () => {
  const shown = (columns: number): string => {
    const stderr = { ...recorder(true), columns };
    const progress = createOutput({ stdout: recorder(true), stderr }, people).progress("epoch 1/5", () => 3600);
    progress.update(1, 1);
    progress.stop();
    return stderr.text();
  };
  expect(shown(120)).toContain("0.0 s left (1 h 0 min in all)");
  expect(shown(106)).toContain("0.0 s left");
  expect(shown(106)).not.toContain("in all");
});

describe("charts", () => {
  const [loss, accuracy] = classificationFigures as [HistoryFigure, HistoryFigure];
  const epoch = (number: number) => ({
    epoch: number,
    epochs: 3,
    seconds: 1,
    loss: 1 / number,
    accuracy: 0.5,
    valLoss: 0.6,
    valAccuracy: 0.7,
  });
  const history = { epochs: [1, 2, 3].map(epoch), parts: [{ epoch: 0.5, loss: 0.9, accuracy: 0.4 }] };

  async function draw(chart: Chart) {
    const folder = join(temporaryFolder(), "charts");
    mkdirSync(folder);
    const [svg = "", png = ""] = await writeChart(folder, "chart", chart);
    return { svg: readFileSync(svg, "utf8"), png: readFileSync(png) };
  }

  test("have a title, axis labels and a legend", async () => {
    const { svg } = await draw(historyChart(history, loss));
    for (const text of ["Loss (crossentropy)", ">epoch<", ">loss<", "training", "validation"]) {
      expect(svg).toContain(text);
    }
  });

  test("of one epoch and of many", async () => {
    expect((await draw(historyChart({ epochs: [epoch(1)], parts: [] }, accuracy))).svg).toContain("<circle");
    const many = Array.from({ length: 250 }, (_, i) => epoch(i + 1));
    const { svg } = await draw(historyChart({ epochs: many, parts: [] }, loss));
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  test("show their text in the PNG, whatever fonts the machine has", async () => {
    const chart = historyChart(history, loss);
    const [one, same, other] = await Promise.all([
      draw(chart),
      draw(chart),
      draw({ ...chart, title: "Another title" }),
    ]);
    expect(one.png.equals(same.png)).toBe(true);
    // The same but for the text: if text were not drawn, neither would differ.
    expect(one.png.equals(other.png)).toBe(false);
    expect([one.png.readUInt32BE(16), one.png.readUInt32BE(20)]).toEqual([1440, 880]);
  });
});

test("parts of an epoch are the means of their own steps", () => {
  const recorded = partRecorder();
  for (const epoch of [1, 2]) {
    let sum = 0;
    for (let step = 1; step <= 40; step++) {
      sum += step;
      recorded.add({ epoch, epochs: 2, step, steps: 40, logs: { loss: sum / step } });
    }
  }
  expect(recorded.parts).toHaveLength(40);
  expect(recorded.parts[0]).toMatchObject({ epoch: 0.05, loss: 1.5 });
  expect(recorded.parts[19]?.loss).toBeCloseTo(39.5, 9);
  expect(recorded.parts[20]).toMatchObject({ epoch: 1.05, loss: 1.5 });
});

test("durations and excerpts as people read them", () => {
  expect([0.04, 9.94, 83.2, 3725].map(shownDuration)).toEqual(["0.0 s", "9.9 s", "1 min 23 s", "1 h 2 min"]);
  expect(excerpt("a\u0000b\u202e c", 10)).toBe("a b c");
  expect(excerpt("💩".repeat(20), 5)).toBe("💩💩💩💩…");
  expect(excerpt("👩‍👩‍👧‍👦".repeat(4), 3)).toBe("👩‍👩‍👧‍👦👩‍👩‍👧‍👦…");
  expect(excerpt("می‌خواهم 🏴󠁧󠁢󠁥󠁮󠁧󠁿", 40)).toBe("می‌خواهم 🏴󠁧󠁢󠁥󠁮󠁧󠁿");
  expect(excerpt(`e${"\u0301".repeat(99)}`, 3)).toMatch(/^…$/);
});
