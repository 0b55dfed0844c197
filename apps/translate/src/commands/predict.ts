/** `predict`: translations of texts from the arguments, or from standard input as they come. */
import {
  answerLines,
  excerpt,
  type Input,
  needsSystemFonts,
  type Output,
  onOneLine,
  type RuntimeName,
  requireWritableFile,
  UsageError,
  writeChartFile,
} from "@ostinato/app";
import type { Candidate, Translation, Translator } from "@ostinato/translator";
import { attentionPicture } from "../attention-chart.ts";
import { loadTranslation, openTranslator } from "../model.ts";

export interface PredictOptions {
  readonly model: string;
  readonly backend: RuntimeName;
  readonly beam: number;
  readonly nBest: number;
  /** The file of a picture. */
  readonly attention?: string;
  /** Whether it shows tokens and not the words that they make. */
  readonly attentionTokens: boolean;
  readonly allowUnknown: boolean;
}

const batchSize = 64;
const shownText = 60;

export async function predict(
  texts: readonly string[],
  options: PredictOptions,
  output: Output,
  input: Input,
): Promise<void> {
  const { attention, attentionTokens } = options;
  if (attention !== undefined) await requirePicture(attention, texts);
  else if (attentionTokens) throw new UsageError("--attention-tokens is for --attention FILE");
  await using translator = await openTranslator(await loadTranslation(options.model), options.backend);
  if (attention !== undefined && !translator.hasAttention)
    throw new UsageError(`--attention: the model in ${options.model} has no attention`);
  const answers = answerer(translator, options, output);
  if (texts.length > 0) await answers.answer(texts, (row) => (texts.length > 1 ? `text ${row + 1}` : undefined));
  else
    await answerLines(input, { noun: "text", nouns: "texts" }, output, (lines) =>
      answers.answer(
        lines.map((line) => line.text),
        (row) => `line ${lines[row]?.number}`,
      ),
    );
  answers.end();
}

/** Throws `UsageError` where a picture cannot be drawn there, or not of these texts. */
async function requirePicture(file: string, texts: readonly string[]): Promise<void> {
  if (!/\.(svg|png)$/i.test(file)) throw new UsageError(`--attention: ${file} must end in .svg or .png`);
  if (texts.length !== 1)
    throw new UsageError(`--attention draws one text: give it as an argument, and no other, got ${texts.length}`);
  await requireWritableFile(file, "--attention");
}

const shownProblems = 3;

/** Answers texts in order, and says at the end which have no translation. */
function answerer(translator: Translator, options: PredictOptions, output: Output) {
  const { beam, nBest, attention, attentionTokens, allowUnknown } = options;
  const limits = allowUnknown ? { allowUnknown } : {};
  const problems: string[] = [];
  return {
    /** `place` says where text `row` stands; undefined where there is no other. */
    async answer(texts: readonly string[], place: (row: number) => string | undefined): Promise<void> {
      for (let from = 0; from < texts.length && !output.closed; from += batchSize) {
        const batch = texts.slice(from, from + batchSize);
        const found = batch.map((text) => translator.problemOf(text, limits));
        const translations = await translator.translate(
          batch.filter((_, row) => found[row] === undefined),
          {
            ...limits,
            beamSize: Math.max(beam, nBest),
            nBest,
            returnAttention: attention !== undefined,
          },
        );
        let next = 0;
        for (const [row, text] of batch.entries()) {
          const problem = found[row];
          if (problem !== undefined) {
            const where = place(from + row);
            problems.push(where === undefined ? problem : `${where}: ${problem}`);
            output.event({ text, translation: null, problem });
            output.say(`-\t${problem}`);
            continue;
          }
          const translation = translations[next++] as Translation;
          tell(text, translation, nBest, output);
          if (attention !== undefined) {
            const { chart, cut } = attentionPicture(translation, translator.vocabulary, { tokens: attentionTokens });
            await writeChartFile(attention, chart);
            if (cut.length > 0) output.warn(`${attention} shows ${cut.join(" and ")}`);
            if (/png$/i.test(attention) && needsSystemFonts([text, translation.text]))
              output.warn(
                `${attention} is drawn with fonts of this machine, which may lack some letters; a .svg is drawn with those of its reader`,
              );
            output.event({ event: "saved", files: [attention] });
            output.say(`Wrote ${attention}`);
          }
        }
        await output.drained();
      }
    },
    /** Throws `UsageError` where a text had no translation. */
    end(): void {
      if (problems.length === 0) return;
      const shown = problems.slice(0, shownProblems).join("; ");
      const more = problems.length - shownProblems;
      throw new UsageError(`not translated: ${shown}${more > 0 ? `; and ${more} more` : ""}`);
    },
  };
}

function tell(text: string, translation: Translation, nBest: number, output: Output): void {
  const { sourceTokens, others, attention, ...best } = translation;
  const rows = attention === undefined ? {} : { attention: attention.map((row) => Array.from(row)) };
  const more = nBest > 1 ? { candidates: [best, ...others.map(plain)].map(eventOf) } : {};
  output.event({ text, ...eventOf(best), sourceTokens, ...rows, ...more });
  const shown = excerpt(text, shownText);
  for (const { text: written, score } of [best, ...others])
    output.say(`${shown}\t${onOneLine(written)}${nBest === 1 ? "" : `\t${score.toFixed(4)}`}`);
}

/** A candidate without its attention. */
function plain({ attention: _, ...candidate }: Candidate): Candidate {
  return candidate;
}

function eventOf({ text: translation, ...rest }: Candidate) {
  return { translation, ...rest };
}
