/**
 * The steps of each recurrence, by its job. They are called directly: V8 of Node 25 ends the process over an indirect call that it compiles without
 * feedback, as it does for 256-bit SIMD.
 */
import { Job } from "../protocol";
import { advance as advanceGru } from "./gru";
import { retreat as retreatGru } from "./gruGrad";
import { advance as advanceLstm } from "./lstm";
import { retreat as retreatLstm } from "./lstmGrad";
import { advance as advanceRnn } from "./rnn";
import { retreat as retreatRnn } from "./rnnGrad";

/** Takes a block through its next stretch, in the thread's room. */
export function advance(job: i32, block: i32, room: usize): void {
  switch (job) {
    case Job.lstm:
      return advanceLstm(block, room);
    case Job.gru:
      return advanceGru(block, room);
    case Job.rnn:
      return advanceRnn(block, room);
  }
  unreachable();
}

/**
 * Takes a block back through the steps from `step` down to `last`. At `step` so many rows run in all, and there are so many words before it; `zeros` is
 * the thread's room.
 */
export function retreat(job: i32, block: i32, step: i32, last: i32, activeInAll: i32, start: i32, zeros: usize): void {
  switch (job) {
    case Job.lstmGrad:
      return retreatLstm(block, step, last, activeInAll, start, zeros);
    case Job.gruGrad:
      return retreatGru(block, step, last, activeInAll, start, zeros);
    case Job.rnnGrad:
      return retreatRnn(block, step, last, activeInAll, start, zeros);
  }
  unreachable();
}
