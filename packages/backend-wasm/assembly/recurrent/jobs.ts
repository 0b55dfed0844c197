/** The jobs of recurrences: the weights are packed, unless they are already, then all threads go through the steps. */
import { Job, RecurrenceForward } from "../protocol";
import { argument } from "../team";
import { goBack, goForward } from "./drive";
import { packGru } from "./gru";
import { packGruGrad } from "./gruGrad";
import { packLstm } from "./lstm";
import { packLstmGrad } from "./lstmGrad";
import { packRnn } from "./rnn";
import { packRnnGrad } from "./rnnGrad";

@inline
function packs(): bool {
  return argument(RecurrenceForward.packs) !== 0;
}

export function lstm(thread: i32, threads: i32): void {
  if (packs()) packLstm(thread, threads);
  goForward(Job.lstm, thread, threads);
}

export function lstmGrad(thread: i32, threads: i32): void {
  packLstmGrad(thread, threads);
  goBack(Job.lstmGrad, thread, threads);
}

export function gru(thread: i32, threads: i32): void {
  if (packs()) packGru(thread, threads);
  goForward(Job.gru, thread, threads);
}

export function gruGrad(thread: i32, threads: i32): void {
  packGruGrad(thread, threads);
  goBack(Job.gruGrad, thread, threads);
}

export function rnn(thread: i32, threads: i32): void {
  if (packs()) packRnn(thread, threads);
  goForward(Job.rnn, thread, threads);
}

export function rnnGrad(thread: i32, threads: i32): void {
  packRnnGrad(thread, threads);
  goBack(Job.rnnGrad, thread, threads);
}
