/** What bounds a training step: the processor's multiply-adds and the memory's bytes; how much of both our program uses. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { AnyStep, Program, ProgramValue } from "@ostinato/core";
import { openBackend } from "./contestants/backends.ts";
import { compileNative } from "./entries.ts";
import { type Labelled, targetsOf } from "./job.ts";
import { listener } from "./listener.ts";
import { type Flops, type Task, trainerOf } from "./network.ts";

/** GFLOP/s of fused multiply-adds in registers by the bits of the vectors: of one thread, and of two. */
export type Peaks = Readonly<Record<string, readonly [one: number, two: number]>>;

/** How far a part of our step is from what the processor can do, in GFLOP/s, and what it moves. */
export interface Limits {
  /** Two threads, in the widest vectors; absent where there is no compiler. */
  readonly peak?: number;
  /** The matrix products of a forward pass by themselves. */
  readonly products?: number;
  /** The loss without gradients. */
  readonly forward?: number;
  /** What a training step takes more than that: gradients and the optimizer. */
  readonly backward?: number;
  /** Bytes of all inputs and outputs of the program's steps. */
  readonly moved: number;
  readonly arena: number;
}

export const peakHint = "apt-get install g++";

/** The peaks of this processor; undefined where there is no compiler. */
export async function measurePeaks(folder: string): Promise<Peaks | undefined> {
  const program = await compileNative(folder, "fma.cpp", "-march=native", "-ffp-contract=fast", "-pthread");
  return program === undefined ? undefined : JSON.parse((await promisify(execFile)(program)).stdout);
}

/** The peak of two threads. */
export function highest(peaks: Peaks | undefined): number | undefined {
  return peaks && Math.max(...Object.values(peaks).map(([, two]) => two));
}

const bytes = { float32: 4, int32: 4, bool: 1 } as const;

/** Bytes of all inputs and outputs of the program's steps; those of a loop as often as it runs at most. What is fused into a step stays in the caches. */
export function bytesMoved({ values, capacities, steps, commits }: Program): number {
  const bytesOf = (index: number): number => {
    if (index < 0) return 0;
    const { dtype, capacity, uniform } = values[index] as ProgramValue;
    return bytes[dtype] * (uniform ? 1 : capacity);
  };
  const turnsOf = ({ inputs, attrs: { carries } }: AnyStep & { op: "scan" }): number => {
    const time = values[inputs[carries] as number]?.shape[0] ?? 1;
    return typeof time === "number" ? time : (capacities[time] ?? 1);
  };
  const moved = (list: readonly AnyStep[]): number =>
    list.reduce((sum, step) => {
      if (step.alias) return sum;
      if (step.op === "scan" && step.block) return sum + turnsOf(step) * moved(step.block.steps);
      return sum + [...new Set(step.inputs), ...step.outputs].reduce((all, value) => all + bytesOf(value), 0);
    }, 0);
  return moved(steps) + moved(commits);
}

/** The program of a training step as the WebAssembly backend gets it. */
export async function trainingProgram(task: Task, masked: boolean, data: Labelled): Promise<Program> {
  const { runs } = await openBackend({ backend: "wasm", threads: 1 });
  const programs: Program[] = [];
  const hearing = listener({ runs, compiled: (program) => programs.push(program) });
  await using trainer = await trainerOf(task, masked, hearing);
  const quiet = { onWarning: () => {} };
  await trainer.fit({ x: data.rows, y: targetsOf(data) }, { batchSize: task.batch, ...quiet });
  return programs[0] as Program;
}

/** From the milliseconds of a step, of its forward pass and of its products. */
export function limitsOf(
  flops: Flops,
  ms: { readonly step: number; readonly forward?: number; readonly products?: number },
  program: Program,
  peak: number | undefined,
): Limits {
  const { step, forward, products } = ms;
  return {
    ...(peak === undefined ? {} : { peak }),
    ...(products === undefined ? {} : { products: flops.forward / products / 1e6 }),
    ...(forward === undefined ? {} : { forward: flops.forward / forward / 1e6 }),
    ...(forward === undefined || step <= forward ? {} : { backward: flops.backward / (step - forward) / 1e6 }),
    moved: bytesMoved(program),
    arena: program.arenaBytes,
  };
}
