/** A model that writes by a table: what may come next, and how likely, depends on the source and all tokens before. */
import { type DecodingRequest, type DecodingStep, RandomStream, type SequenceModel } from "@ostinato/core";

export const PADDING = 0;
export const START = 1;
export const END = 2;

/** What follows tokens: the natural logarithm of the probability of each token. */
export type Table = (source: number, prefix: readonly number[]) => Float32Array;

/** Random probabilities for each prefix of each source; `sources: false` gives all sources the same. */
export function randomTable(seed: number, size: number, sources = true): Table {
  const known = new Map<string, Float32Array>();
  return (source, prefix) => {
    const key = `${sources ? source : 0}: ${prefix.join()}`;
    let row = known.get(key);
    if (row === undefined) {
      const random = new RandomStream(seed, key);
      const units = Array.from({ length: size }, () => 2 * random.normal());
      const total = Math.log(units.reduce((sum, unit) => sum + Math.exp(unit), 0));
      row = Float32Array.from(units, (unit) => unit - total);
      known.set(key, row);
    }
    return row;
  };
}

/** Weights of attention that tell tokens apart: those of the step in which the token after `prefix` is chosen. */
export function attentionAt(source: number, prefix: readonly number[], steps: number): number[] {
  const random = new RandomStream(source, `attention ${prefix.join()}`);
  return Array.from({ length: steps }, () => Math.fround(random.uniform()));
}

export interface TableModel extends SequenceModel {
  /** How many rows each step had, run after run. */
  readonly rows: number[][];
  /** Runs that have not ended. */
  running: number;
}

/** `lengths` are those of the sources. Data is `[[0], [1], …]`: the numbers of sources. */
export function tableModel(table: Table, size: number, lengths: readonly number[]): TableModel {
  const model: TableModel = {
    vocabularySize: size,
    hasAttention: true,
    rows: [],
    running: 0,
    open() {
      return {
        count: lengths.length,
        lengths: Int32Array.from(lengths),
        async read(numbers) {
          if (model.running > 0) throw new Error("a run begins before the last has ended");
          model.running += 1;
          const end = (): void => {
            model.running -= 1;
          };
          const steps: number[] = [];
          model.rows.push(steps);
          const sourceSteps = Math.max(...Array.from(numbers, (source) => lengths[source]!));
          let before: readonly { source: number; prefix: readonly number[] }[] | undefined;
          return {
            sourceSteps,
            async step({ tokens, from, top, allowed, attention }: DecodingRequest): Promise<DecodingStep> {
              if (tokens.length !== from.length || tokens.length === 0) throw new Error("rows");
              if (top < 1 || top > size) throw new Error(`top ${top}`);
              steps.push(tokens.length);
              before = Array.from(from, (row, at) => {
                if (before === undefined) return { source: numbers[row]!, prefix: [] };
                const { source, prefix } = before[row]!;
                return { source, prefix: [...prefix, tokens[at]!] };
              });
              const likeliest = before.map(({ source, prefix }, row) => {
                const all = Array.from(table(source, prefix), (logProbability, token) => {
                  const may = allowed === undefined || allowed[row * size + token] === 1;
                  return { token, logProbability: may ? logProbability : Number.NEGATIVE_INFINITY };
                });
                return all.sort((a, b) => b.logProbability - a.logProbability || a.token - b.token).slice(0, top);
              });
              return {
                tokens: Int32Array.from(likeliest.flat(), ({ token }) => token),
                logProbabilities: Float32Array.from(likeliest.flat(), ({ logProbability }) => logProbability),
                ...(attention && {
                  attention: Float32Array.from(
                    before.flatMap(({ source, prefix }) => attentionAt(source, prefix, sourceSteps)),
                  ),
                }),
              };
            },
            end,
            [Symbol.dispose]: end,
          };
        },
      };
    },
    async dispose() {},
    async [Symbol.asyncDispose]() {},
  };
  return model;
}
