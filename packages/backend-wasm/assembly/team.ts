/**
 * The threads over one memory. Each holds an instance of this module; the caller's is thread 0 and takes part. `fork` gives all of them
 * one job, `join` waits until all are done; inside of a job they meet at `barrier`. Who waits spins for a moment and then sleeps.
 */

import {
  ARGUMENTS,
  ARRIVED,
  ASLEEP,
  EPOCH,
  JOB,
  LOST,
  MAY_SLEEP,
  PATIENCE,
  PENDING,
  PHASE,
  PROGRESS,
  THREADS,
  WIDE,
} from "./protocol";

/** Looks of one moment of spinning: some ten microseconds. */
const SPINS: i32 = 60000;
/** Nanoseconds of a nap, after which a sleeper looks whether a thread was lost, and how often who must not sleep spins in about that time. */
const NAP: i64 = 50_000_000;
const TURNS_OF_A_NAP: i32 = 700;

/** Argument `index` of the job. */
@inline
export function argument(index: i32): i32 {
  return load<i32>(ARGUMENTS + (<usize>index << 2));
}

@inline
export function address(index: i32): usize {
  return load<u32>(ARGUMENTS + (<usize>index << 2));
}

/** True once the word at `at` is not `value` any more; false where that takes longer than a moment. */
function spin(at: usize, value: i32): bool {
  for (let turn = 0; turn < SPINS; turn++) if (atomic.load<i32>(at) !== value) return true;
  return false;
}

/** Tells who waits that this thread gets on: to be called every now and then in a long job. Some calls of several threads may count as one. */
export function tick(): void {
  store<i32>(PROGRESS, load<i32>(PROGRESS) + 1);
}

/** Waits while the word at `at` holds `value`; false where a thread was lost. */
function waitWhile(at: usize, value: i32, thread: i32): bool {
  if (spin(at, value)) return true;
  const maySleep = thread > 0 || load<i32>(MAY_SLEEP) !== 0;
  let naps = load<i32>(PATIENCE);
  let turns = TURNS_OF_A_NAP;
  let progress = atomic.load<i32>(PROGRESS);
  while (atomic.load<i32>(LOST) === 0) {
    if (maySleep) atomic.wait<i32>(at, value, NAP);
    if (spin(at, value)) return true;
    if (!maySleep && --turns > 0) continue;
    turns = TURNS_OF_A_NAP;
    const now = atomic.load<i32>(PROGRESS);
    naps = now === progress ? naps - 1 : load<i32>(PATIENCE);
    progress = now;
    if (naps <= 0) atomic.store<i32>(LOST, 1);
  }
  return false;
}

/** Every thread of the job goes on when all have come here. False where one was lost: what the others should have done may not be there. */
export function barrier(thread: i32, threads: i32): bool {
  if (threads === 1) return true;
  const phase = atomic.load<i32>(PHASE);
  if (atomic.add<i32>(ARRIVED, 1) === threads - 1) {
    atomic.store<i32>(ARRIVED, 0);
    atomic.add<i32>(PHASE, 1);
    atomic.notify(PHASE, -1);
    return isComplete();
  }
  return waitWhile(PHASE, phase, thread);
}

/** Whether no thread was lost. */
function isComplete(): bool {
  return atomic.load<i32>(LOST) === 0;
}

/** Gives the other threads the job. */
export function fork(job: i32): void {
  store<i32>(JOB, job);
  atomic.store<i32>(PENDING, teamSize() - 1);
  atomic.add<i32>(EPOCH, 1);
  atomic.notify(EPOCH, -1);
}

/** Waits until the others are done; false where one of them was lost. */
export function join(): bool {
  let pending = atomic.load<i32>(PENDING);
  while (pending !== 0 && waitWhile(PENDING, pending, 0)) pending = atomic.load<i32>(PENDING);
  return isComplete();
}

/** Sleeps until there is a job for `thread`, and returns the epoch. */
export function awaitJob(epoch: i32): i32 {
  while (!spin(EPOCH, epoch)) {
    atomic.add<i32>(ASLEEP, 1);
    atomic.wait<i32>(EPOCH, epoch, -1);
    atomic.sub<i32>(ASLEEP, 1);
  }
  return atomic.load<i32>(EPOCH);
}

/** Whether all threads would begin with a job at once. */
export function areAwake(): bool {
  return atomic.load<i32>(ASLEEP) === 0;
}

export function currentEpoch(): i32 {
  return atomic.load<i32>(EPOCH);
}

export function currentJob(): i32 {
  return load<i32>(JOB);
}

@inline
export function isWide(): bool {
  return load<i32>(WIDE) !== 0;
}

export function teamSize(): i32 {
  return load<i32>(THREADS);
}

/** Reports that a thread is done. */
export function finish(): void {
  if (atomic.sub<i32>(PENDING, 1) === 1) atomic.notify(PENDING, 1);
}
