/** The jobs of the module: the caller's thread begins one with `run`; the other threads wait for them in `work`. */
import { dot } from "./dot";
import { dropoutMask } from "./dropout";
import { binary, select, unary } from "./elementwise";
import { gather, scatterAdd } from "./indexed";
import { lstm } from "./lstm";
import { lstmGrad } from "./lstmGrad";
import { softmax } from "./softmax";
export { trial } from "./trial";
import { awaitJob, currentEpoch, currentJob, finish, fork, join, teamSize } from "./team";

/** The numbers of the jobs, in the order of `src/jobs.ts`. */
function perform(job: i32, thread: i32, threads: i32): void {
  switch (job) {
    case 0:
      return unary(thread, threads);
    case 1:
      return binary(thread, threads);
    case 2:
      return select(thread, threads);
    case 3:
      return dot(thread, threads);
    case 4:
      return softmax(thread, threads);
    case 5:
      return gather(thread, threads);
    case 6:
      return scatterAdd(thread, threads);
    case 7:
      return dropoutMask(thread, threads);
    case 8:
      return lstm(thread, threads);
    default:
      return lstmGrad(thread, threads);
  }
}

/** Runs a job, on this thread or on all; false where a thread was lost. */
export function run(job: i32, together: bool): bool {
  if (!together || teamSize() === 1) {
    perform(job, 0, 1);
    return true;
  }
  // Before the first job: until all have come to wait for one.
  if (!join()) return false;
  fork(job);
  perform(job, 0, teamSize());
  return join();
}

/** The life of a thread but the caller's: it does not return. */
export function work(thread: i32): void {
  let epoch = currentEpoch();
  finish();
  for (;;) {
    epoch = awaitJob(epoch);
    perform(currentJob(), thread, teamSize());
    finish();
  }
}
