/** A model that writes sequences over anything that runs its two halves: sources and requests are checked here, and runs follow one another. */
import { DataError, StateError } from "../errors.ts";
import type { DecodingParts } from "../nn/decoding/decoding.ts";
import type { Tensors } from "../tensor.ts";
import type { Inputs } from "../train/data/named.ts";
import { Turns } from "../train/session/turns.ts";
import type { DecodingRequest, DecodingRun, DecodingStep, SequenceModel, Sources } from "./sequenceModel.ts";
import { readSources } from "./sources.ts";

/** What runs the two halves of a model, `decodingOf`. It is asked for one thing after another. */
export interface DecodingEngine {
  /** Computes what the steps go on from: the memory and the first states of so many sources, which stay with the engine. A model without sources has no feeds. */
  encode(feeds: Tensors, rows: number): Promise<void>;
  /** One step. Of the first one after `encode`, `from` are the numbers of sources; after that, those of rows of the step before. The request is checked. */
  step(request: DecodingRequest): Promise<DecodingStep>;
  /** Frees it. */
  dispose(): PromiseLike<void>;
}

/** @throws DataError for numbers that are not within 0 … below - 1 */
function expectWithin(what: string, numbers: Int32Array, below: number): void {
  for (const number of numbers)
    if (number < 0 || number >= below)
      throw new DataError(`step: each of ${what} must be from 0 to ${below - 1}, got ${number}`);
}

/** @throws DataError for a request that does not fit the model, or the step before */
function expectRequest({ tokens, from, top, allowed }: DecodingRequest, size: number, before: number): void {
  const rows = tokens.length;
  if (rows === 0) throw new DataError("step: there are no rows");
  if (from.length !== rows) throw new DataError(`step: tokens are of ${rows} rows, and from of ${from.length}`);
  if (!Number.isInteger(top) || top < 1 || top > size)
    throw new DataError(`step: top must be a whole number from 1 to ${size}, got ${top}`);
  if (allowed && allowed.length !== rows * size)
    throw new DataError(`step: allowed must be [${rows}, ${size}], it has ${allowed.length} elements`);
  expectWithin("tokens", tokens, size);
  expectWithin("from", from, before);
}

/**
 * The model over an engine, which it owns.
 *
 * @param parts what `decodingOf` gives
 */
export function sequenceModelOn(
  parts: Pick<DecodingParts, "sources" | "vocabularySize" | "attentionTime">,
  engine: DecodingEngine,
): SequenceModel {
  const { sources, vocabularySize, attentionTime } = parts;
  const turns = new Turns("this model was disposed; make another");
  return {
    vocabularySize,
    hasAttention: attentionTime !== undefined,
    open(given) {
      turns.expectOpen();
      return openSources(given);
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };

  function dispose(): Promise<void> {
    return turns.close(() => engine.dispose());
  }

  function openSources(given: Inputs | number): Sources {
    const { count, lengths, feeds } = readSources(sources, given, attentionTime);
    return {
      count,
      lengths,
      async read(rows) {
        if (rows.length === 0) throw new DataError("read: there are no sources to read");
        expectWithin("the sources to read", rows, count);
        await turns.take();
        try {
          await engine.encode(feeds(rows), rows.length);
        } catch (error) {
          turns.give();
          throw error;
        }
        // A batch of sources without steps has one, which does not count.
        const least = sources.inputs.length > 0 ? 1 : 0;
        return runOf(
          rows.length,
          rows.reduce((most, row) => Math.max(most, lengths[row] as number), least),
        );
      },
    };
  }

  function runOf(count: number, sourceSteps: number): DecodingRun {
    let before = count;
    let ended = false;
    let stepping = false;
    const end = (): void => {
      if (!ended && !stepping) turns.give();
      ended = true;
    };
    return {
      sourceSteps,
      async step(request) {
        if (ended) throw new StateError("step: this run has ended; read sources for another");
        if (stepping) throw new StateError("step: another step of this run is under way; await it first");
        expectRequest(request, vocabularySize, before);
        stepping = true;
        try {
          const step = await engine.step(request);
          before = request.tokens.length;
          return step;
        } finally {
          stepping = false;
          if (ended) turns.give();
        }
      },
      end,
      [Symbol.dispose]: end,
    };
  }
}
