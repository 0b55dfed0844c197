/** The time that this process computes, which other processes do not change much. */
import { cpuUsage } from "node:process";

/** Milliseconds that `run` takes of the processor, the least of three runs. */
export function processorTime(run: () => void): number {
  const times = [1, 2, 3].map(() => {
    const before = cpuUsage();
    run();
    const { user, system } = cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}
