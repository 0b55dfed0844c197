/** Trains the translator app's default model on CMUdict, and tests it: `pnpm bench:pronunciation [--out DIR]`; writes results/pronunciation.*. */
import { readOptions } from "./options.ts";
import { line } from "./peers/report.ts";
import { runHelp, runOptions, testsOf, trainingLine, translatorRun, writeRun } from "./translator-run.ts";

const { values } = readOptions(`pnpm bench:pronunciation [options]\n${runHelp}`, runOptions);

const { out, run } = await translatorRun("pronunciation", values);
const tests = await testsOf(out, [
  "phoneErrorRate",
  "wordErrorRate",
  "errors",
  "referenceTokens",
  "wrongTexts",
  "texts",
  "seconds",
]);
const percent = (share: unknown): string => `${(100 * Number(share)).toFixed(2)} %`;
await writeRun("pronunciation", { ...run, tests }, [
  "# Letters to phones\n",
  `\`pnpm bench:pronunciation\`: the translator app's default model of ${trainingLine(run, "CMUdict")}, and tested on words that it has not seen.\n`,
  line(["beam", "phone error rate", "word error rate", "words", "seconds"]),
  "| --: | --: | --: | --: | --: |",
  ...tests.map(({ beam, phoneErrorRate, wordErrorRate, texts, seconds }) =>
    line([String(beam), percent(phoneErrorRate), percent(wordErrorRate), String(texts), Number(seconds).toFixed(1)]),
  ),
]);
