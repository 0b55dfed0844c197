/** Rows of ids to train with: as the vocabularies encode texts, in each epoch the same or in other subwords. */
import { teacherForcing } from "@ostinato/core";
import { endId, startId, type TranslatorVocabulary, textEncoder } from "@ostinato/translator";
import type { TrainOptions } from "./options.ts";
import type { Pairs } from "./vocabulary.ts";

/** Rows of ids, of each side. */
export interface Ids {
  readonly sources: number[][];
  readonly targets: number[][];
}

export function idsOf({ source, target }: TranslatorVocabulary, { sources, targets }: Pairs): Ids {
  return { sources: textEncoder(source)(sources), targets: textEncoder(target)(targets) };
}

/** More than `--epochs` takes. */
const mostEpochs = 1_000_000;

/** The rows of each epoch, with words in other parts. */
export function rowsAnew(
  { seed, subwordDropout: dropout }: Pick<TrainOptions, "seed" | "subwordDropout">,
  { source, target }: TranslatorVocabulary,
  { sources, targets }: Pairs,
): (epoch: number) => Ids {
  return (epoch) => {
    const own = 2 * (seed * mostEpochs + epoch);
    return {
      sources: textEncoder(source)(sources, { dropout, seed: own }),
      targets: textEncoder(target)(targets, { dropout, seed: own + 1 }),
    };
  };
}

export function examples({ sources, targets }: Ids) {
  return teacherForcing(sources, targets, { start: startId, end: endId });
}

/** The tokens of each pair, of its longer side. */
export const lengthsOf = ({ sources, targets }: Ids): number[] =>
  targets.map((row, i) => Math.max(row.length + 1, sources[i]?.length ?? 0));
