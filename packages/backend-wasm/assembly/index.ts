/** The jobs of the module: the caller's thread begins one with `run`; the other threads wait for them in `work`. */
import { crossentropy, crossentropyGrad } from "./crossentropy";
import { dot, packDot } from "./dot";
import { dropoutMask } from "./dropout";
import { fused } from "./fused";
import { gather, moveRows, scatterAdd } from "./indexed";
import { topK } from "./largest";
import { move } from "./move";
import { Job } from "./protocol";
import { gru, gruGrad, lstm, lstmGrad, rnn, rnnGrad } from "./recurrent/jobs";
import { reduce } from "./reduce";
import { softmax } from "./softmax";
export { trial } from "./trial";
import { areAwake, awaitJob, currentEpoch, currentJob, finish, fork, join, teamSize } from "./team";

function perform(job: i32, thread: i32, threads: i32): void {
  switch (job) {
    case Job.move:
      return move(thread, threads);
    case Job.reduce:
      return reduce(thread, threads);
    case Job.topK:
      return topK(thread, threads);
    case Job.fused:
      return fused(thread, threads);
    case Job.dot:
      return dot(thread, threads);
    case Job.packDot:
      return packDot(thread, threads);
    case Job.softmax:
      return softmax(thread, threads);
    case Job.crossentropy:
      return crossentropy(thread, threads);
    case Job.crossentropyGrad:
      return crossentropyGrad(thread, threads);
    case Job.gather:
      return gather(thread, threads);
    case Job.moveRows:
      return moveRows(thread, threads);
    case Job.scatterAdd:
      return scatterAdd(thread, threads);
    case Job.dropoutMask:
      return dropoutMask(thread, threads);
    case Job.lstm:
      return lstm(thread, threads);
    case Job.lstmGrad:
      return lstmGrad(thread, threads);
    case Job.gru:
      return gru(thread, threads);
    case Job.gruGrad:
      return gruGrad(thread, threads);
    case Job.rnn:
      return rnn(thread, threads);
    case Job.rnnGrad:
      return rnnGrad(thread, threads);
  }
  // A job that this module does not know: the run must not go on.
  unreachable();
}

/** Runs a job, on this thread or on all; on all only if none of them sleeps, or whether they sleep or not. False where a thread was lost. */
export function run(job: i32, together: bool, wakes: bool): bool {
  if (!together || teamSize() === 1 || !(wakes || areAwake())) {
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
