/** `info`: what a model is made of and how it was trained, or what there is in data. */
import { type Output, shownCount, shownLabel, type ToldTraining, table, trainingOf } from "@ostinato/app";
import { countParameters, summary, summaryRows } from "@ostinato/core";
import { parallelPairs, summariseLengths } from "@ostinato/datasets";
import { idCount, type ListRules, likelyTokens, type SideVocabulary, sides, tokensOf } from "@ostinato/translator";
import { cmudict, type DataRecord, readParts } from "../data.ts";
import type { AskedLanguages } from "../folder.ts";
import { measureNames, measures, validationName } from "../measures.ts";
import { loadTranslation } from "../model.ts";
import { makesSmall, telling } from "../tokens.ts";

export interface InfoOptions extends AskedLanguages {
  readonly model: string;
  readonly data?: string;
}

export async function info({ model, data, ...languages }: InfoOptions, output: Output): Promise<void> {
  if (data === undefined) await tellModel(model, output);
  else await tellData(data, languages, output);
}

const shownTokens = 20;
/** A text of this length is shown in the summary. */
const time = 10;

async function tellModel(path: string, output: Output): Promise<void> {
  const { trained, vocabulary, settings, data, seed, folder, alone } = await loadTranslation(path);
  // The history in the folder may not belong to a model given as a single file.
  const training = alone ? undefined : await trainingOf(folder);
  const course = courseOf(training?.epochs ?? []);
  const described = sides.map((side) => sideOf(side, vocabulary[side]));
  const isShared = vocabulary.source === vocabulary.target;
  output.event({
    event: "model",
    parameters: countParameters(trained),
    layers: summaryRows(trained, { source: time, target: time }),
    ...settings,
    ...Object.fromEntries(described.map(({ side, ...rest }) => [side, rest])),
    trainedOn: data.kind,
    seed,
    ...course?.event,
  });
  output.say(
    [
      summary(trained, { source: time, target: time }),
      "",
      table([
        ["side", "tokens are", "ids", "longest"],
        ...described.map(({ side, tokens, lowercase, ids }) => [
          side,
          `${tokens}${lowercase ? ", made small" : ""}`,
          shownCount(ids),
          shownCount(side === "source" ? settings.maxSourceLength : settings.maxTargetLength),
        ]),
      ]),
      ...described
        .map(({ side, first }) => ({ name: isShared ? "both" : side, shown: first.map(shownLabel).join(" ") }))
        .slice(isShared ? 1 : 0)
        .map(({ name, shown }) => `  ${name}: ${shown}`),
      "",
      `Trained on ${data.kind === "cmudict" ? "CMUdict" : "data of your own"} with the seed ${seed}${course?.told(data) ?? ""}.`,
    ].join("\n"),
  );
}

/** How long a training went on, and its best epoch by what it was measured by; undefined where that is not known. */
function courseOf(epochs: ToldTraining["epochs"]) {
  const name = measureNames.find((each) => epochs.some((figures) => typeof figures[validationName(each)] === "number"));
  if (name === undefined) return undefined;
  const { mode, titleOf, shown } = measures[name];
  const figures = epochs.map((figuresOf) => Number(figuresOf[validationName(name)] ?? Number.NaN));
  const best = Math[mode](...figures.filter((figure) => !Number.isNaN(figure)));
  return {
    event: { epochs: figures.length, bestEpoch: 1 + figures.indexOf(best), [validationName(name)]: best },
    told: (data: DataRecord) =>
      `, ${figures.length} epochs; the best is epoch ${1 + figures.indexOf(best)}, with a ${titleOf(data)} of ${shown(best)} in validation`,
  };
}

function sideOf(side: (typeof sides)[number], vocabulary: SideVocabulary) {
  const { tokens } = vocabulary;
  const first = telling(vocabulary, shownTokens);
  return { side, tokens, lowercase: makesSmall(vocabulary), ids: idCount(vocabulary), first };
}

async function tellData(data: string, languages: AskedLanguages, output: Output): Promise<void> {
  const { parts } = await readParts({ data, test: true, ...languages });
  const split = (["train", "validation", "test"] as const)
    .map((part) => ({ part, entries: parts[part] }))
    .map(({ part, entries }) => ({
      part,
      texts: entries.length,
      pairs: parallelPairs(entries).targets.length,
    }));
  const pairs = parallelPairs(parts.train);
  const columns = sides.map((side) => {
    const texts = pairs[`${side}s`];
    return { side, ...lengthsOf(texts, likelyTokens(texts)) };
  });
  for (const part of split) output.event({ event: "split", ...part });
  for (const column of columns) output.event({ event: "tokens", ...column });
  output.say(
    [
      data === cmudict
        ? "CMU Pronouncing Dictionary, split by the hash of each word modulo 20: 0 to test with, 1 to validate, the rest to train."
        : data,
      "",
      table([
        ["split", "texts", "pairs"],
        ...split.map(({ part, texts, pairs: all }) => [part, shownCount(texts), shownCount(all)]),
      ]),
      "",
      table([
        ["side", "tokens are", "different", "shortest", "median", "90 % have at most", "longest"],
        ...columns.map(({ side, tokens, different, min, median, percentile90, max }) => [
          side,
          tokens,
          ...[different, min, median, percentile90, max].map((number) => shownCount(Math.round(number))),
        ]),
      ]),
    ].join("\n"),
  );
}

function lengthsOf(texts: readonly string[], tokens: ListRules["tokens"]) {
  const lists = texts.map((text) => tokensOf({ tokens, lowercase: false }, text));
  const different = new Set(lists.flat()).size;
  return { tokens, different, ...summariseLengths(lists.map(({ length }) => length)) };
}
