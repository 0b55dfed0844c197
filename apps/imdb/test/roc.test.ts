/** The picture of the ROC curve: its text can be read. */
import { readFileSync } from "node:fs";
import { writeChart } from "@ostinato/app";
import { expect, test } from "vitest";
import { rocChart } from "../src/roc.ts";
import { temporaryFolder } from "./runCli.ts";

test("the ROC curve has a title, axis labels and a legend", async () => {
  const chart = rocChart([{ threshold: 1, falsePositiveRate: 0, truePositiveRate: 0 }], 0.91);
  const [svg = ""] = await writeChart(temporaryFolder(), "roc", chart);
  const drawn = readFileSync(svg, "utf8");
  for (const text of ["ROC curve", "false positive rate", "true positive rate", "area 0.9100"])
    expect(drawn).toContain(text);
});
