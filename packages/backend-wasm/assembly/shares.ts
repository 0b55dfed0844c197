/**
 * Tasks that threads take one by one, so that a thread on a slower or busier core does less. In each turn every task is done once; a word for
 * each, 0 before the first turn, tells in how many turns it was taken.
 */

/** The tasks in the order in which a thread looks at them: its own, whose data lie in its cache, and then all from the last on. */
@inline
export function taskAt(place: i32, tasks: i32, thread: i32, threads: i32): i32 {
  const own = thread + place * threads;
  return own < tasks ? own : tasks - 1 - (place - (tasks - thread + threads - 1) / threads);
}

/** Takes the first task that nobody has taken in this turn, from a place in that order on; returns its place, -1 where none is left. */
export function takeTask(taken: usize, tasks: i32, turn: i32, thread: i32, threads: i32, place: i32): i32 {
  for (; ; place++) {
    const task = taskAt(place, tasks, thread, threads);
    if (task < 0) return -1;
    const at = taken + (<usize>task << 2);
    if (atomic.load<i32>(at) === turn && atomic.cmpxchg<i32>(at, turn, turn + 1) === turn) return place;
  }
  return -1;
}
