/** Where the time of a training step goes: its program cut into its steps, each run as a program of its own over the memory that all of them share. */
import {
  type AnyStep,
  type Backend,
  type Executable,
  type Program,
  type ProgramValue,
  type Session,
  showType,
  type Tensors,
} from "@ostinato/core";

/** A step of a program, and the milliseconds of each of its runs. */
export interface StepTime {
  readonly step: AnyStep;
  readonly ms: number[];
}

/** A program that trains, with the times of its steps. */
export interface Profile {
  readonly program: Program;
  readonly times: readonly StepTime[];
}

/** The values that are a feed, as it is or in another shape. */
function feedsOf({ feeds, steps }: Program): ReadonlySet<number> {
  const found = new Set(feeds.map(({ value }) => value));
  for (const { alias, inputs, outputs } of steps)
    if (alias && found.has(inputs[0] as number)) found.add(outputs[0] as number);
  return found;
}

/** The same with its feeds behind all else in the arena: each run of a part writes them anew, and what comes later must not lie there. */
function withFeedsApart(program: Program): Program {
  const feeds = feedsOf(program);
  const apart = (value: ProgramValue, at: number): ProgramValue =>
    feeds.has(at) && value.storage.kind === "arena"
      ? { ...value, storage: { kind: "arena", offset: value.storage.offset + program.arenaBytes } }
      : value;
  return { ...program, values: program.values.map(apart), arenaBytes: 2 * program.arenaBytes };
}

/** The parts of a program one by one: what they leave in memory the next ones find there. */
async function inParts(session: Session, whole: Program): Promise<{ executable: Executable; profile: Profile }> {
  const program = withFeedsApart(whole);
  const nothing = { ...program, prepared: 0, steps: [], commits: [], updates: [], holds: [], fetches: [] };
  const { guard: _, ...unguarded } = nothing;
  const step = async (each: AnyStep, part: Omit<Program, "commits">) => {
    // As a commit nothing of it is prepared beforehand, for it writes the state.
    const run = await session.compile({ ...part, commits: [each] });
    return { run, time: { step: each, ms: [] as number[] } };
  };
  const computed = (list: readonly AnyStep[]): AnyStep[] => list.filter(({ alias }) => !alias);
  const steps = await Promise.all(computed(program.steps).map((each) => step(each, unguarded)));
  const fetched = await session.compile({ ...unguarded, fetches: program.fetches });
  const commits = await Promise.all(computed(program.commits).map((each) => step(each, nothing)));
  const ended = await session.compile({ ...nothing, updates: program.updates, holds: program.holds });
  const timed = async ({ run, time }: (typeof steps)[number], feeds: Tensors): Promise<void> => {
    const begin = performance.now();
    await run.run(feeds);
    time.ms.push(performance.now() - begin);
  };
  const executable: Executable = {
    async run(feeds, into) {
      for (const each of steps) await timed(each, feeds);
      const results = await fetched.run(feeds, into);
      for (const each of commits) await timed(each, feeds);
      await ended.run(feeds);
      return results;
    },
  };
  return { executable, profile: { program, times: [...steps, ...commits].map(({ time }) => time) } };
}

/** A backend that tells of each program that trains; all others run as they are. */
export function profiling(backend: Backend, hear: (profile: Profile) => void): Backend {
  return {
    ...backend,
    async open(state) {
      const session = await backend.open(state);
      return {
        async compile(program) {
          if (program.updates.length + program.commits.length === 0) return session.compile(program);
          const { executable, profile } = await inParts(session, program);
          hear(profile);
          return executable;
        },
        readState: (names) => session.readState(names),
        writeState: (tensors) => session.writeState(tensors),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}

/** The least of a step's times, as others may have had the processor meanwhile. */
const least = ({ ms }: StepTime): number => Math.min(...ms);

const sum = (times: readonly StepTime[]): number => times.reduce((all, each) => all + least(each), 0);

/** The share of the steps that read or write a value with an axis of this size. */
export function shareOfSize({ program, times }: Profile, size: number): number {
  const has = (value: number): boolean => program.values[value]?.shape.includes(size) ?? false;
  const touching = times.filter(({ step }) => [...step.inputs, ...step.outputs].some(has));
  return sum(touching) / sum(times);
}

/** The ops that take most, each with what it makes, and their share: those that make values of one type together. */
export function largestShares({ program, times }: Profile, count: number): { what: string; share: number }[] {
  const groups = new Map<string, StepTime[]>();
  for (const time of times) {
    const { op, outputs } = time.step;
    const made = outputs.flatMap((value) => (value < 0 ? [] : [showType(program.values[value] as ProgramValue)]));
    const what = `${op} → ${made[0]}${made.length > 1 ? ` and ${made.length - 1} more` : ""}`;
    groups.set(what, [...(groups.get(what) ?? []), time]);
  }
  const whole = sum(times);
  return [...groups]
    .map(([what, each]) => ({
      what: `${what}${each.length > 1 ? `, ${each.length} times` : ""}`,
      share: sum(each) / whole,
    }))
    .toSorted((a, b) => b.share - a.share)
    .slice(0, count);
}
