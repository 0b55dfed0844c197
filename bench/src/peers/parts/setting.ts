/** What every part of the measurements is given, and how its results become rows. */
import { agreementOf } from "../agreement.ts";
import type { CoreMeter } from "../cores.ts";
import type { Python } from "../pythons.ts";
import type { Row } from "../report.ts";
import type { Result, RoundOptions } from "../rounds.ts";

export interface Setting {
  /** For jobs and compiled programs. */
  readonly folder: string;
  readonly pythons: readonly Python[];
  /** To see that all works, not to measure: small networks, few rounds and batches. */
  readonly quick: boolean;
  /** Batches of an epoch that are measured. */
  readonly sample: number;
  /** Of the contestants together; slow ones have fewer. */
  readonly rounds: number;
  /** GFLOP/s that the processor can do. */
  readonly peak: number | undefined;
  readonly cores: CoreMeter;
  readonly say: (line: string) => void;
  /** Results that do not agree with ours. */
  readonly disagree: (line: string) => void;
}

export const two = { backend: "wasm", threads: 2 } as const;
export const one = { backend: "wasm", threads: 1 } as const;
export const narrow = { backend: "wasm", threads: 2, simd: "relaxed" } as const;
export const cpu = { backend: "cpu", threads: 1 } as const;
/** What the others are compared with. */
export const measure = "Ostinato wasm, 2 threads";

/** Rounds that take about half a minute, the cores read before each. */
export function roundsOf({ rounds, cores, quick }: Setting, rest: Pick<RoundOptions, "steps" | "turns" | "warmUp">) {
  return { rounds, seconds: quick ? 1 : 25, ...rest, onRound: () => cores.read() };
}

/** How far the others' values lie from the first's, in words; who computes something else is told of. */
export function agree(
  { disagree }: Setting,
  results: readonly Result[],
  of: (result: Result) => readonly number[],
): string {
  const compared = results.filter(({ entry }) => !entry.aside);
  const { apart, different } = agreementOf(compared.map((result) => ({ name: result.name, values: of(result) })));
  for (const line of different) disagree(line);
  return apart.toExponential(1);
}

/** The row of a result whose figure this is, with the work done in a step. */
export function rowOf({ entry, name, facts }: Result, value: number, gflops?: number): Row {
  return {
    name,
    peer: entry.peer,
    ...(facts.version === undefined ? {} : { version: facts.version }),
    value,
    ...(gflops === undefined ? {} : { gflops }),
    ...(entry.outOfBox ? { outOfBox: true } : {}),
    ...(entry.aside ? { aside: true } : {}),
  };
}

/** What was tried and who found a way of its own, a line each where there is something to say. */
export function settingsTried(results: readonly Result[], unit = "ms"): string[] {
  const shown = (ms: number): string => `${ms.toFixed(ms < 10 ? 2 : 0)} ${unit}`;
  const slower = results.flatMap((result) => result.slower.map(({ name, ms }) => `${name}: ${shown(ms)}`));
  const ways = results.flatMap(({ name, facts }) => (facts.way === undefined ? [] : [`${name}: ${facts.way}`]));
  const blas = new Set(
    results.flatMap(({ facts }) => (facts.blas ? [`PyTorch ${facts.version} has ${facts.blas}`] : [])),
  );
  return [
    ...(slower.length === 0 ? [] : [`Slower in the first steps, and left out: ${slower.join("; ")}.`]),
    ...(ways.length === 0 ? [] : [`Fastest of their own ways: ${ways.join("; ")}.`]),
    ...[...blas].map((line) => `${line}.`),
  ];
}
