/** How good translations are that are sentences: by length, word by word, and which are the worst. */
import { type BleuScore, corpusBleu, sentenceBleu, sentenceChrf } from "@ostinato/text";
import type { Answer } from "./judging.ts";
import { type Scoring, scoresOf, type TranslationScores } from "./measures.ts";

const segmenter = new Intl.Segmenter("und", { granularity: "word" });

const isEmoji = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u;

/** The words of a text in any script, and its emoji, without punctuation, as Unicode finds them. */
function wordsIn(text: string, { lowercase }: Scoring): string[] {
  const cased = lowercase ? text.toLowerCase() : text;
  return Array.from(segmenter.segment(cased))
    .filter(({ isWordLike, segment }) => isWordLike || isEmoji.test(segment))
    .map(({ segment }) => segment.normalize("NFC"));
}

/** Scores of texts of like length. */
export interface LengthScores extends TranslationScores {
  /** The shortest and the longest of them, in words. */
  readonly from: number;
  readonly to: number;
  readonly texts: number;
  /** How long translations are, over the lengths of their references, in BLEU's tokens. */
  readonly lengthRatio: number;
}

const mostGroups = 8;
/** The share of texts that all groups but the last are made for: few texts are much longer than all others. */
const usual = 0.95;

/** The scores of texts by their lengths in words, in groups of equal width, the last one for all that are longer. */
export function scoresByLength(answers: readonly Answer[], scoring: Scoring): LengthScores[] {
  const measured = answers.map((answer) => ({ answer, length: wordsIn(answer.entry.source, scoring).length }));
  const lengths = measured.map(({ length }) => length).sort((a, b) => a - b);
  const width = Math.max(1, Math.ceil((lengths[Math.floor(usual * (lengths.length - 1))] ?? 0) / (mostGroups - 1)));
  const groupOf = (length: number): number => Math.min(mostGroups - 1, Math.max(0, Math.ceil(length / width) - 1));
  return Array.from({ length: mostGroups }, (_, group) => measured.filter(({ length }) => groupOf(length) === group))
    .filter((members) => members.length > 0)
    .map((members) => {
      const scores = scoresOf(
        scoring,
        members.map(({ answer }) => answer),
      );
      const { writtenLength, referenceLength } = scores.bleu;
      const own = members.map(({ length }) => length);
      return {
        from: Math.min(...own),
        to: Math.max(...own),
        texts: members.length,
        lengthRatio: referenceLength === 0 ? 0 : writtenLength / referenceLength,
        ...scores,
      };
    });
}

/** A translation beside the right answer that it is most like, with scores of its own. */
export interface JudgedSentence {
  readonly answer: Answer;
  readonly reference: string;
  readonly bleu: number;
  readonly chrf: number;
}

/** Each translation by itself. */
export function judgedSentences(answers: readonly Answer[], { lowercase, tokenize }: Scoring): JudgedSentence[] {
  return answers.map((answer) => {
    const { entry, text } = answer;
    const scored = entry.targets.map((reference) => ({
      reference,
      chrf: sentenceChrf(reference, text, { lowercase }).score,
    }));
    const best = scored.reduce((so, each) => (each.chrf > so.chrf ? each : so));
    return { answer, ...best, bleu: sentenceBleu(entry.targets, text, { lowercase, tokenize }).score };
  });
}

/** A word, and how often something is the case with it. */
export interface WordCount {
  readonly word: string;
  readonly count: number;
  /** How often it occurs. */
  readonly of: number;
}

/** Words that translations do not agree on with their references, the most frequent first. */
export interface WordDifferences {
  /** Words of references that are not written, `of` all in references. */
  readonly missing: readonly WordCount[];
  /** Words that no reference has, `of` all that are written. */
  readonly added: readonly WordCount[];
}

export function wordDifferences(judged: readonly JudgedSentence[], scoring: Scoring): WordDifferences {
  const [missing, added] = [wordCounter(), wordCounter()];
  for (const { answer, reference } of judged) {
    const [right, written] = [countsOf(wordsIn(reference, scoring)), countsOf(wordsIn(answer.text, scoring))];
    for (const [word, count] of right) missing.add(word, count - (written.get(word) ?? 0), count);
    for (const [word, count] of written) added.add(word, count - (right.get(word) ?? 0), count);
  }
  return { missing: missing.sorted(), added: added.sorted() };
}

function countsOf(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function wordCounter() {
  const words = new Map<string, { readonly word: string; count: number; of: number }>();
  return {
    add(word: string, count: number, of: number): void {
      const found = words.get(word) ?? { word, count: 0, of: 0 };
      words.set(word, found);
      found.count += Math.max(0, count);
      found.of += of;
    },
    sorted: (): WordCount[] => [...words.values()].filter(({ count }) => count > 0).sort((a, b) => b.count - a.count),
  };
}

/** BLEU without regard to capitals, as figures of other systems often are; undefined where translations have none. */
export function lowercaseBleu(answers: readonly Answer[], scoring: Scoring): BleuScore | undefined {
  const written = answers.map(({ text }) => text);
  if (scoring.lowercase || written.every((text) => text === text.toLowerCase())) return undefined;
  const references = answers.map(({ entry }) => entry.targets);
  return corpusBleu(references, written, { ...scoring, lowercase: true });
}
