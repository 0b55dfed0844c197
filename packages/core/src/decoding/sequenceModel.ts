/** What decoding runs over: a model that reads sources once, and then gives the likeliest next tokens of each row, step by step. */
import type { Inputs } from "../train/data/named.ts";

/** One step of all rows. */
export interface DecodingRequest {
  /** The last token of each row: int32 [rows]. */
  readonly tokens: Int32Array;
  /** The row of the step before that each row continues, in the first step the source that it reads: int32 [rows]. A row may be continued more than once, or not at all. */
  readonly from: Int32Array;
  /** How many tokens to give for each row, from 1 to `vocabularySize`. */
  readonly top: number;
  /** 1 for each token that may come next, 0 for others: [rows, vocabularySize]. Absent: all may. */
  readonly allowed?: Uint8Array;
  /** Whether the weights of attention are asked for. Default false. */
  readonly attention?: boolean;
}

/** The likeliest next tokens. The arrays may be written again by the next step. */
export interface DecodingStep {
  /** [rows, top]: the likeliest first, of equals the one of the lower number. */
  readonly tokens: Int32Array;
  /** Their log-probabilities, natural logarithms: [rows, top]; -Infinity for a token that is not allowed. */
  readonly logProbabilities: Float32Array;
  /** How much each row attended to each step of its source in this step: [rows, sourceSteps]. Present where it is asked for and the model has attention. */
  readonly attention?: Float32Array;
}

/** Sources that were read, while rows are written for them: `using run = await sources.read(rows)`, or `end` it. */
export interface DecodingRun extends Disposable {
  /** How many steps the longest source has; 0 for a model without sources. */
  readonly sourceSteps: number;
  /** Steps follow one another: the next is asked for when this one has been told. */
  step(request: DecodingRequest): Promise<DecodingStep>;
  /** Lets the next run begin, after the step under way if there is one. No step may follow. Until then other runs wait, and so does `dispose` of the model. */
  end(): void;
}

/** Sources that fit the model. */
export interface Sources {
  readonly count: number;
  /** Steps of each source, by which rows are batched; 0 for a model without sources. */
  readonly lengths: Int32Array;
  /** Reads the sources of these numbers. Runs of one model follow one another: the next begins where this one has ended. */
  read(rows: Int32Array): Promise<DecodingRun>;
}

/** A model that writes sequences: a trained one on a backend, or its exported files on another runtime. */
export interface SequenceModel extends AsyncDisposable {
  /** Tokens are 0 … vocabularySize - 1. */
  readonly vocabularySize: number;
  /** Whether steps can give the weights of attention. */
  readonly hasAttention: boolean;
  /**
   * @param sources the data of the model's sources; for a model without any, how many sequences to write
   * @throws DataError, ShapeError where sources do not fit the model, before anything runs
   */
  open(sources: Inputs | number): Sources;
  dispose(): Promise<void>;
}
