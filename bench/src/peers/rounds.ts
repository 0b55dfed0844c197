/** Contestants in turns: A B C, A B C. */
import { setTimeout as pause } from "node:timers/promises";
import { Contestant, ContestantError, type Entry, type Facts } from "./contestant.ts";

/** Lets threads of the one before, which may wait by spinning, come to rest. */
const REST = 60;

export interface RoundOptions {
  readonly rounds: number;
  /** Steps of each contestant in its turn. */
  readonly steps: number;
  /** Turns a round: with several, each contestant goes through its batches in as many parts. Default 1. */
  readonly turns?: number;
  /** Steps before the first round, whose times do not count. */
  readonly warmUp: number;
  /** Called before each round. */
  readonly onRound?: () => Promise<void>;
}

export interface Result {
  readonly name: string;
  readonly facts: Facts;
  /** The median over the rounds of each of a round's steps. */
  readonly steps: readonly number[];
  /** The median of all steps. */
  readonly ms: number;
  readonly fastest: number;
  /** Of the steps before the first round. */
  readonly losses: readonly number[];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] as number)) / 2;
}

/** Starts all, runs the rounds and ends them. Who cannot take part is told of and left out. */
export async function interleave(
  entries: readonly Entry[],
  { rounds, steps, turns = 1, warmUp, onRound }: RoundOptions,
  say: (line: string) => void,
): Promise<Result[]> {
  await using running = new AsyncDisposableStack();
  const taking: { contestant: Contestant; losses: readonly number[]; times: number[][] }[] = [];
  for (const entry of entries) {
    try {
      const contestant = running.use(await Contestant.start(entry));
      const { losses } = await contestant.run(warmUp);
      taking.push({ contestant, losses, times: Array.from({ length: steps * turns }, () => []) });
    } catch (error) {
      if (!(error instanceof ContestantError)) throw error;
      say(`left out: ${entry.name} (${error.message})`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    if (onRound) {
      await pause(REST);
      await onRound();
    }
    for (let turn = 0; turn < turns; turn++) {
      for (const { contestant, times } of taking) {
        await pause(REST);
        const { ms } = await contestant.run(steps);
        for (const [step, time] of ms.entries()) times[turn * steps + step]?.push(time);
      }
    }
  }
  return taking.map(({ contestant, losses, times }) => {
    const all = times.flat();
    return {
      name: contestant.entry.name,
      facts: contestant.facts,
      steps: times.map(median),
      ms: median(all),
      fastest: Math.min(...all),
      losses,
    };
  });
}
