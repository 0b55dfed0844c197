/** Trains the translator app's preset of sentences on Multi30k, and tests it: `pnpm bench:translation [--out DIR] [-- OPTIONS]`; writes results/translation.*. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runApp } from "./app.ts";
import { readOptions } from "./options.ts";
import { line } from "./peers/report.ts";
import { runHelp, runOptions, testsOf, trainingLine, translatorRun, writeRun } from "./translator-run.ts";

/** Where Multi30k lies beside this repository; it is not part of it. */
const multi30k = join(import.meta.dirname, "../../../shared/data/multi30k");

const help = `pnpm bench:translation [options] [-- options of the app's train]
  --data <dir>   a folder with train.de, train.en, val.de and val.en, or .gz files. Default: ../shared/data/multi30k beside this repository
${runHelp}`;
const { values, positionals } = readOptions(help, { ...runOptions, data: { type: "string", default: multi30k } }, true);
const { data } = values;
if (!existsSync(data)) {
  console.error(`${data} is not there; name a folder of Multi30k with --data`);
  process.exit(2);
}

const trained = ["--data", data, "--source-language", "de", "--target-language", "en", "--lowercase", ...positionals];
const { out, run } = await translatorRun("translation", values, trained);
const tests = await testsOf(out, ["bleu", "bleuMargin", "chrf", "chrfMargin", "signatures", "texts", "seconds"]);

/** Sentences of our own in the manner of Multi30k's, and what they mean: those of Multi30k are not part of this repository. */
const shown = [
  ["Ein Hund läuft am Strand.", "A dog runs on the beach."],
  ["Eine Frau in einem roten Mantel wartet auf den Bus.", "A woman in a red coat is waiting for the bus."],
  ["Zwei Kinder bauen eine Burg aus Sand.", "Two children are building a castle of sand."],
  ["Ein alter Mann liest auf einer Bank die Zeitung.", "An old man is reading the newspaper on a bench."],
  [
    "Drei Musiker spielen auf einer Bühne vor vielen Menschen.",
    "Three musicians are playing on a stage in front of many people.",
  ],
  ["Der Junge mit dem blauen Hut springt über eine Pfütze.", "The boy with the blue hat is jumping over a puddle."],
  ["Eine Köchin schneidet in der Küche Gemüse.", "A cook is cutting vegetables in the kitchen."],
  [
    "Während es regnet, verkauft ein Mann auf dem Markt Regenschirme.",
    "While it rains, a man is selling umbrellas at the market.",
  ],
] as const;
const samples: { source: string; translation: unknown; reference: string }[] = [];
await runApp("translate", ["predict", "--model", out, "--beam", "5", ...shown.map(([source]) => source)], (event) => {
  const [source = "", reference = ""] = shown[samples.length] ?? [];
  samples.push({ source, translation: event.translation, reference });
});

const signatures = tests.map((test) => (test.signatures as { readonly bleu: string }).bleu);
const asked = positionals.length === 0 ? "" : ` with \`${positionals.join(" ")}\``;
const withMargin = (score: unknown, margin: unknown): string =>
  `${Number(score).toFixed(2)} ± ${Number(margin).toFixed(2)}`;
const digits = (figure: number | undefined, places: number): string => figure?.toFixed(places) ?? "";
await writeRun("translation", { ...run, options: positionals, tests, samples }, [
  "# German to English\n",
  `\`pnpm bench:translation\`: the translator app's preset \`sentences\`, a model of ${trainingLine(run, "the 29,000 pairs of Multi30k (Elliott et al. 2016) in small letters")}${asked}, and tested on its validation part, one reference a sentence. The epoch was chosen by BLEU of greedy translations of the same part.\n`,
  line(["beam", "BLEU", "chrF", "sentences", "seconds"]),
  "| --: | --: | --: | --: | --: |",
  ...tests.map((test) =>
    line([
      String(test.beam),
      withMargin(test.bleu, test.bleuMargin),
      withMargin(test.chrf, test.chrfMargin),
      String(test.texts),
      Number(test.seconds).toFixed(1),
    ]),
  ),
  `\nBLEU is sacreBLEU's \`${signatures[0]}\`.\n`,
  line(["epoch", "loss", "validation loss", "BLEU, greedily", "seconds"]),
  "| --: | --: | --: | --: | --: |",
  ...run.epochs.map(({ epoch, loss, valLoss, valBleu, seconds }) =>
    line([digits(epoch, 0), digits(loss, 3), digits(valLoss, 3), digits(valBleu, 2), digits(seconds, 0)]),
  ),
  "",
  line(["German, sentences of our own", "translated with a beam of 5", "meaning"]),
  "| --- | --- | --- |",
  ...samples.map(({ source, translation, reference }) =>
    line([source, String(translation), reference].map((text) => text.replaceAll("|", "\\|"))),
  ),
]);
