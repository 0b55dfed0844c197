/** The kinds of SIMD and numbers of threads, and which tests of the suite can come out otherwise from one to the next. */
import { cpuKernels, type Kernels } from "@ostinato/backend-cpu";
import { gradOf, recurrenceNames } from "@ostinato/core";
import type { WasmOptions } from "../src/index.ts";
import { wasmKernels } from "../src/kernels/table.ts";

/** What everybody gets without options on two cores: the suite in full. */
export const usual: Required<WasmOptions> = { simd: "auto", threads: 2 };

/** Every other kind of SIMD and number of threads. */
export const others = (...numbers: readonly number[]): readonly Required<WasmOptions>[] =>
  (["auto", "relaxed", "plain"] as const)
    .flatMap((simd) => numbers.map((threads) => ({ simd, threads })))
    .filter(({ simd, threads }) => simd !== usual.simd || threads !== usual.threads);

const kernels: Kernels = wasmKernels(1);
const nativeOps = new Set(
  Object.keys(kernels).filter((op) => kernels[op as keyof Kernels] !== cpuKernels[op as keyof Kernels]),
);
/** Ops whose kernels share even small sizes among threads; of the rest `kernels.test.ts` has sizes large enough, and more threads. */
const sharedOps = new Set(["dot", ...recurrenceNames.flatMap((name) => [name, gradOf(name)])]);
const combined = new RegExp(`^(${recurrenceNames.join("|")}|graphs|training) > `);

/** Whether a test of the suite runs kernels of the module that can differ under these options. */
export function differs({ threads }: Required<WasmOptions>): (test: string) => boolean {
  const ops = threads === 1 ? nativeOps : sharedOps;
  return (test) => combined.test(test) || ops.has(/^(?:ops|\w+ (?:numbers|zeros)) > (\w+)/.exec(test)?.[1] ?? "");
}
