/** Writing sequences with a model: greedily, by a beam, or by sampling, batch after batch of sources. */
import { inOrder, longestFirst } from "../train/data/batchOrder.ts";
import { hostRests } from "../train/session/hostTurn.ts";
import { expectWanted } from "../train/session/signal.ts";
import { beam } from "./beam.ts";
import {
  expectSequenceModel,
  type GenerateOptions,
  type GenerateSettings,
  readGenerateOptions,
} from "./generateOptions.ts";
import { limitsOf } from "./limits.ts";
import type { Ended, Method } from "./method.ts";
import { sampling } from "./sampling.ts";
import { type Search, searchBatch } from "./search.ts";
import type { SequenceModel } from "./sequenceModel.ts";
import type { Trellis } from "./trellis.ts";

/** A sequence that a model wrote. */
export interface Generated {
  /** Without `start` and `end`. */
  readonly tokens: Int32Array;
  /** The natural logarithm of its probability: the sum over its tokens, with `end` where it is finished. As the model has them, whatever the sampling. */
  readonly logProbability: number;
  /** What it is ranked by: its log-probability over the length penalty. */
  readonly score: number;
  /** Whether `end` came; false where it was cut at `maxLength`, or nothing could follow. */
  readonly finished: boolean;
  /** For each token the weights of attention when it was chosen: as many as the source has steps. */
  readonly attention?: readonly Float32Array[];
}

function methodOf(settings: GenerateSettings, vocabularySize: number): Method {
  return settings.sample === undefined ? beam(settings) : sampling(settings, settings.sample, vocabularySize);
}

function generatedOf(
  { step, row, logProbability, score, finished }: Ended,
  trellis: Trellis,
  sourceLength: number,
  returnAttention: boolean,
): Generated {
  return {
    tokens: trellis.tokens(step, row),
    logProbability,
    score,
    finished,
    ...(returnAttention && { attention: trellis.attention(step, row, sourceLength) }),
  };
}

/**
 * Writes a sequence for each source: greedily, by beam search with `beamSize`, or by sampling with `sample`.
 *
 * A beam search is done with a source where no hypothesis that goes on could have a better score than the worst of `nBest` finished ones by ending with the next token; `earlyStopping: "never"` makes the end exact.
 * Finished results come before unfinished ones. Results do not depend on the other sources (on `cpu()` and `wasm()` to the bit).
 *
 * @param model what writes: `sequenceModel` of a trained one, or anything else that is a `SequenceModel`
 * @param sources the rows of the model's sources, as `predict` takes them; of a model without sources, such as a language model, how many sequences to write
 * @returns for each source, in the order given, from one to `nBest` results: of a search the best first, of sampling in the order drawn
 * @throws ConfigError for a wrong option; DataError, ShapeError where sources do not fit the model, before anything runs; NonFiniteError where the model gives no numbers
 *
 * @example
 * const results = await generate(model, { source: [[4, 9, 7], [5, 3]] }, { start: 1, end: 2, beamSize: 5, nBest: 3 });
 * console.log(results[0][0].tokens, results[0][0].score);
 */
export async function generate(
  model: SequenceModel,
  sources: Parameters<SequenceModel["open"]>[0],
  options: GenerateOptions,
): Promise<Generated[][]> {
  expectSequenceModel(model);
  const settings = readGenerateOptions(model, options);
  const { vocabularySize } = model;
  const { onProgress, signal } = options;
  const opened = model.open(sources);
  const { count, lengths } = opened;
  const maxLengths = Array.from(lengths, settings.maxLength);
  const hostRest = hostRests();
  const search: Search = {
    settings,
    method: methodOf(settings, vocabularySize),
    limits: limitsOf(settings, vocabularySize),
    vocabularySize,
    rest() {
      expectWanted(signal);
      return hostRest();
    },
  };
  const results = new Array<Generated[]>(count);
  const order = longestFirst(inOrder(count), [lengths]);
  for (let done = 0; done < count; ) {
    const longest = lengths[order[done] as number] as number;
    const most = Math.max(1, Math.min(settings.batchSize, Math.floor(settings.batchSteps / Math.max(1, longest))));
    const rows = order.subarray(done, done + most);
    expectWanted(signal);
    const run = await opened.read(rows);
    try {
      const batch = Array.from(rows, (source) => ({ source, maxLength: maxLengths[source] as number }));
      const { ended, trellis } = await searchBatch(run, batch, search);
      rows.forEach((source, at) => {
        results[source] = (ended[at] as readonly Ended[])
          .slice(0, settings.nBest)
          .map((one) => generatedOf(one, trellis, lengths[source] as number, settings.returnAttention));
      });
    } finally {
      run.end();
    }
    done += rows.length;
    await onProgress?.({ done, count });
  }
  return results;
}
