/**
 * Tasks that threads take one by one, so that a thread on a slower or busier core does less. In each turn every task is done once; a word for
 * each, 0 before the first turn, tells in how many turns it was taken.
 */

function isTaken(taken: usize, task: i32, turn: i32): bool {
  const at = taken + (<usize>task << 2);
  return atomic.load<i32>(at) !== turn || atomic.cmpxchg<i32>(at, turn, turn + 1) !== turn;
}

/** A task for a thread: of its own, whose data lie in its cache, and when these are taken of the others', from the last on; -1 where none is left. */
export function takeTask(taken: usize, tasks: i32, turn: i32, thread: i32, threads: i32): i32 {
  for (let task = thread; task < tasks; task += threads) if (!isTaken(taken, task, turn)) return task;
  for (let task = tasks - 1; task >= 0; task--) if (!isTaken(taken, task, turn)) return task;
  return -1;
}
