/** The way of every recurrence through its steps, forth and back: which thread takes which block when. What a step computes is in `steps.ts`. */
import { RIGHT_STEP } from "../panels";
import { RecurrenceForward, RecurrenceGrad } from "../protocol";
import { takeTask, taskAt } from "../shares";
import { address, argument, barrier, tick } from "../team";
import { otherRows, productPanels, sumsOf, unitBytes, wantsWeights } from "./backward";
import { activeAt, clearEnds, firstRow, gatherRows, lengthOf, openBlock, putBack, scatterRows, takeBlock, threadRoom } from "./blocks";
import { stretchesOf } from "./forward";
import { advance, retreat } from "./steps";
import { clearSums, collectInputs, columnPanels, multiplyCollected, writeWeights } from "./weights";

/** When all threads have packed the weights, they take block after block through its stretches. */
export function goForward(job: i32, thread: i32, threads: i32): void {
  if (thread === 0) {
    for (let block = 0; block < argument(RecurrenceForward.blocks); block++) openBlock(block, stretchesOf(block));
  }
  if (!barrier(thread, threads)) return;
  while (true) {
    const block = takeBlock(thread, threads);
    if (block < 0) break;
    advance(job, block, threadRoom(thread));
    putBack(block);
    tick();
  }
}

/**
 * In turns, when all have packed the weights: threads take blocks back through as many steps as there is room to collect, meet, and add up products of
 * what was collected.
 */
export function goBack(job: i32, thread: i32, threads: i32): void {
  const batch = argument(RecurrenceGrad.batch);
  const inputSize = argument(RecurrenceGrad.inputSize);
  const blocks = argument(RecurrenceGrad.blocks);
  const dX = address(RecurrenceGrad.dX);
  const chunk = argument(RecurrenceGrad.chunk);
  const columns = columnPanels();
  const sumBytes = <usize>productPanels() * RIGHT_STEP;
  const hiddenBytes = unitBytes();
  const zeros = threadRoom(thread);

  memory.fill(zeros, 0, hiddenBytes);
  // Of each block and each panel of columns: how often it was taken.
  const blocksTaken = address(RecurrenceGrad.states);
  const columnsTaken = blocksTaken + (<usize>blocks << 2);
  if (thread === 0) memory.fill(blocksTaken, 0, <usize>(blocks + columns) << 2);
  for (let block = thread; block < blocks; block += threads) {
    const first = firstRow(block);
    const end = firstRow(block + 1);
    gatherRows(address(RecurrenceGrad.dH), sumsOf(block), sumBytes, first, end);
    gatherRows(address(RecurrenceGrad.dC), otherRows(block), hiddenBytes, first, end);
    if (dX !== 0) clearEnds(dX, inputSize, first, end);
  }
  if (wantsWeights()) clearSums(thread, threads);
  if (!barrier(thread, threads)) return;

  let turn = 0;
  let start = argument(RecurrenceGrad.steps);
  for (let step = lengthOf(0) - 1; step >= 0; ) {
    // As many steps as the collected rows have room for.
    let last = step;
    const first = activeAt(step);
    let collected = first;
    start -= first;
    const begin = start;
    for (let active = first; last > 0; last--) {
      while (active < batch && lengthOf(active) > last - 1) active++;
      if (wantsWeights() && collected + active > chunk) break;
      collected += active;
      start -= active;
    }
    let place = takeTask(blocksTaken, blocks, turn, thread, threads, 0);
    for (; place >= 0; place = takeTask(blocksTaken, blocks, turn, thread, threads, place + 1)) {
      retreat(job, taskAt(place, blocks, thread, threads), step, last, first, begin, zeros);
    }
    if (wantsWeights()) {
      const from = <i32>((<i64>collected * thread) / threads);
      collectInputs(step, first, from, <i32>((<i64>collected * (thread + 1)) / threads), zeros);
      if (!barrier(thread, threads)) return;
      place = takeTask(columnsTaken, columns, turn, thread, threads, 0);
      for (; place >= 0; place = takeTask(columnsTaken, columns, turn, thread, threads, place + 1)) {
        multiplyCollected(taskAt(place, columns, thread, threads), collected);
      }
    }
    if (!barrier(thread, threads)) return;
    turn++;
    step = last - 1;
  }
  if (wantsWeights()) writeWeights(thread, threads);
  for (let block = thread; block < blocks; block += threads) {
    const first = firstRow(block);
    const end = firstRow(block + 1);
    scatterRows(sumsOf(block), address(RecurrenceGrad.dInitialH), sumBytes, first, end);
    scatterRows(otherRows(block), address(RecurrenceGrad.dInitialC), hiddenBytes, first, end);
  }
}
