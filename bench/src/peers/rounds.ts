/** Contestants in turns: A B C, A B C. */
import { setTimeout as pause } from "node:timers/promises";
import { Contestant, ContestantError, type Entry, type Facts } from "./contestant.ts";

/** Lets threads of the one before, which may wait by spinning, come to rest. */
const REST = 60;

export interface RoundOptions {
  /** At most. */
  readonly rounds: number;
  /** All rounds take about this long: of slow contestants there are fewer, but two. */
  readonly seconds: number;
  /** Steps of each contestant in its turn. */
  readonly steps: number;
  /** Turns a round: with several, each contestant goes through its batches in as many parts. Default 1. */
  readonly turns?: number;
  /** Steps before the first round, whose times do not count. */
  readonly warmUp: number;
  /** Called before each round. */
  readonly onRound?: () => Promise<void>;
}

/** A way that was tried, and its time. */
export interface Tried {
  readonly name: string;
  readonly ms: number;
}

export interface Result {
  readonly entry: Entry;
  readonly name: string;
  readonly facts: Facts;
  /** The median over the rounds of each of a round's steps. */
  readonly steps: readonly number[];
  /** The median of all steps. */
  readonly ms: number;
  /** Of the steps before the first round. */
  readonly losses: readonly number[];
  /** The ways of doing the same that were left out, as they were slower. */
  readonly slower: readonly Tried[];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] as number)) / 2;
}

/** So much slower than the fastest may only seem slower, for a few steps are not much to tell from. */
const NEAR = 1.25;
/** Milliseconds: steps as short as this are told apart in the rounds, where they take no time. */
const SHORT = 10;

/** Who takes part: all that try nothing, and of those that try the same the fastest with those near to it. The fastest has the ones that are left out. */
export function takingPart<T extends { readonly tries?: string; readonly ms: number }>(
  tried: readonly T[],
): { readonly chosen: T; readonly slower: readonly T[] }[] {
  const groups = new Map<unknown, T[]>();
  for (const each of tried) {
    const key = each.tries ?? each;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].flatMap((group) => {
    const limit = Math.max(SHORT, NEAR * Math.min(...group.map(({ ms }) => ms)));
    const slower = group.filter(({ ms }) => ms > limit);
    const near = group.filter(({ ms }) => ms <= limit).toSorted((a, b) => a.ms - b.ms);
    return near.map((chosen, place) => ({ chosen, slower: place === 0 ? slower : [] }));
  });
}

/** How many rounds of this length there is time for. */
export function roundsWithin(seconds: number, roundMs: number, most: number): number {
  return Math.max(Math.min(2, most), Math.min(most, Math.floor((seconds * 1000) / roundMs)));
}

/** Starts all, tries what is to be tried, runs the rounds and ends them. Who cannot take part is told of and left out. */
export async function interleave(
  entries: readonly Entry[],
  { rounds, seconds, steps, turns = 1, warmUp, onRound }: RoundOptions,
  say: (line: string) => void,
): Promise<Result[]> {
  await using running = new AsyncDisposableStack();
  const leaveOut = (entry: Entry, error: unknown): void => {
    if (!(error instanceof ContestantError)) throw error;
    say(`left out: ${entry.name} (${error.message})`);
  };
  // Libraries are loaded side by side; nothing is measured yet.
  const starting = await Promise.allSettled(entries.map((entry) => Contestant.start(entry)));
  for (const each of starting) if (each.status === "fulfilled") running.use(each.value);
  const started: { contestant: Contestant; losses: readonly number[]; ms: number; usual: number; tries?: string }[] =
    [];
  for (const [at, entry] of entries.entries()) {
    const each = starting[at];
    if (each?.status !== "fulfilled") {
      leaveOut(entry, each?.reason);
      continue;
    }
    try {
      const { losses, ms } = await each.value.run(warmUp);
      const tries = entry.tries === undefined ? {} : { tries: entry.tries };
      // The first half may have been compiled meanwhile.
      const warm = ms.slice(ms.length >> 1);
      started.push({ contestant: each.value, losses, ms: Math.min(...warm), usual: median(warm), ...tries });
    } catch (error) {
      leaveOut(entry, error);
    }
  }
  const groups = takingPart(started);
  for (const { slower } of groups) for (const { contestant } of slower) await contestant[Symbol.asyncDispose]();
  const taking = groups.map(({ chosen, slower }) => ({
    ...chosen,
    slower: slower.map(({ contestant, ms }) => ({ name: contestant.entry.name, ms })),
    times: Array.from({ length: steps * turns }, (): number[] => []),
  }));
  const roundMs = taking.reduce((sum, { usual }) => sum + (usual * steps + REST) * turns, 0);
  const count = roundsWithin(seconds, roundMs, rounds);
  for (let round = 0; round < count; round++) {
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
  return taking.map(({ contestant: { entry, facts }, losses, slower, times }) => {
    return { entry, name: entry.name, facts, steps: times.map(median), ms: median(times.flat()), losses, slower };
  });
}
