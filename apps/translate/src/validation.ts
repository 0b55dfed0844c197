/** Greedy translations of validation texts after each epoch: what they are measured by, and some of them to show. */
import { setImmediate } from "node:timers/promises";
import { excerpt, type Output, type Score } from "@ostinato/app";
import type { Backend } from "@ostinato/core";
import type { ParallelText } from "@ostinato/datasets";
import { type SideVocabulary, translator } from "@ostinato/translator";
import { allTexts, spread } from "./data.ts";
import { shownSamples } from "./defaults.ts";
import { type Answer, answersOf, nearestOf, shownTokens } from "./judging.ts";
import { type Measure, measures, validationName } from "./measures.ts";
import type { Ids } from "./rows.ts";

/** How many tokens are at most written for a text in validation: a model that has not yet learned to end would write as many as its limit allows, which the longest text of the training sets. */
export function boundBy({ sources, targets }: Ids): (sourceLength: number) => number {
  const tokens = (rows: readonly ArrayLike<number>[]): number => rows.reduce((sum, { length }) => sum + length, 0);
  const usual = tokens(targets) / Math.max(1, tokens(sources));
  return (sourceLength) => Math.ceil(3 * usual * sourceLength) + 10;
}

/** What is translated after each epoch, and what it is measured by. */
interface Validation {
  readonly entries: readonly ParallelText[];
  readonly target: SideVocabulary;
  readonly measure: Measure;
  /** How people read the measure. */
  readonly title: string;
  /** The most tokens that are written for a source of so many. */
  readonly bound: (sourceLength: number) => number;
  readonly backend: Backend;
}

/** The measure of greedy translations of some texts, and some of them to show. */
export function scoreBy({ entries, target, measure, title, bound, backend }: Validation, output: Output) {
  let answers: readonly Answer[] = [];
  const score: Score = {
    name: validationName(measure.name),
    title: `validation ${title}`,
    mode: measures[measure.name].mode,
    shown: measures[measure.name].shown,
    async of(trained) {
      await using model = await translator(trained, { backend });
      const sources = entries.map(({ source }) => source);
      // Signals have their turn between batches.
      const translations = await model.translate(sources, {
        ...allTexts,
        maxLength: (length) => Math.min(bound(length), model.settings.maxTargetLength),
        onProgress: () => setImmediate(),
      });
      answers = answersOf(target, entries, translations);
      return measure.of(answers);
    },
  };
  const tellSamples = (epoch: number): void => {
    for (const answer of spread(answers, shownSamples))
      if (measure.ofOne) tellSentence(answer, measure.ofOne(answer), epoch, output);
      else tellTokens(target, answer, epoch, output);
  };
  return { score, tellSamples };
}

const shownText = 40;
const shownWidth = 80;
const shownSentence = 110;

/** "  right  cat → K AE T", or with what would have been right behind it. */
function tellTokens(target: SideVocabulary, answer: Answer, epoch: number, output: Output): void {
  const { entry, tokens } = answer;
  const { errors, reference } = nearestOf(answer);
  output.event({
    event: "sample",
    epoch,
    text: entry.source,
    translation: tokens,
    references: entry.targets,
    right: errors === 0,
  });
  const shown = (each: readonly string[]) => excerpt(shownTokens(target, each), shownWidth);
  const [verdict, right] = errors === 0 ? ["right", ""] : ["wrong", `   (${shown(Array.from(reference))})`];
  output.say(`  ${verdict}  ${excerpt(entry.source, shownText)} → ${shown(tokens)}${right}`);
}

/** The sentence, what became of it, and in brackets what was to become of it, with the sentence's own BLEU in front. */
function tellSentence({ entry, text }: Answer, bleu: number, epoch: number, output: Output): void {
  output.event({
    event: "sample",
    epoch,
    text: entry.source,
    translation: text,
    references: entry.targets,
    bleu,
  });
  const shown = (each: string) => excerpt(each, shownSentence);
  output.say(
    `${bleu.toFixed(1).padStart(7)}  ${shown(entry.source)}\n      →  ${shown(text)}\n         (${shown(entry.targets[0] ?? "")})`,
  );
}
