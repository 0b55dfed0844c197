/** Backends whose kernels are watched: every float that one of them writes is looked at when it is done, and all state at the end. */
import {
  arenaBackend,
  type Call,
  cpuKernels,
  type Kernel,
  type Kernels,
  type Memory,
  PlainMemory,
} from "@ostinato/backend-cpu";
import { type Backend, gradOf, recurrenceNames, type Session } from "@ostinato/core";
import { loadBinary } from "../src/binary.ts";
import { wasmKernels } from "../src/kernels/table.ts";
import { WasmMemory } from "../src/memory.ts";

/** How many subnormal numbers were found, by what wrote them; of state how many that are too small. */
export type Found = Record<string, number>;

/** Below these, and not 0: a float is subnormal, a state soon gives subnormal products, in each step. */
const [SUBNORMAL, TRACE] = [2 ** -126, 2 ** -102];

function count(
  found: Found,
  name: string,
  numbers: ArrayLike<number>,
  from: number,
  size: number,
  least: number,
): void {
  for (let i = from; i < from + size; i++) {
    if (numbers[i] !== 0 && Math.abs(numbers[i]) < least) found[name] = (found[name] ?? 0) + 1;
  }
}

/** What recurrences keep is as large as the longest rows could make it, and they leave the rest as it was. */
const leavesGaps = new Set<string>(recurrenceNames.flatMap((name) => [name, gradOf(name)]));

function watch(op: string, kernel: Kernel, found: Found): Kernel {
  return {
    ...kernel,
    run(memory: Memory, call: Call): void {
      const floats = call.outputs.filter(({ dtype, offset }) => dtype === "float32" && offset >= 0);
      if (leavesGaps.has(op)) for (const { offset, size } of floats) memory.f32.fill(0, offset, offset + size);
      kernel.run(memory, call);
      for (const { offset, size } of floats) count(found, op, memory.f32, offset, size, SUBNORMAL);
    },
  };
}

function watchAll(kernels: Kernels, found: Found): Kernels {
  const entries = Object.entries<unknown>(kernels).map(([op, kernel]) => [op, watch(op, kernel as Kernel, found)]);
  return Object.fromEntries(entries) as Kernels;
}

/** Looks at the state where a session ends. */
function watchState(backend: Backend, found: Found): Backend {
  return {
    ...backend,
    async open(state): Promise<Session> {
      const session = await backend.open(state);
      return {
        compile: (program) => session.compile(program),
        readState: (names) => session.readState(names),
        writeState: (state) => session.writeState(state),
        async [Symbol.asyncDispose](): Promise<void> {
          for (const [name, { dtype, data }] of Object.entries(await session.readState()))
            if (dtype === "float32") count(found, `state ${name}`, data, 0, data.length, TRACE);
          await session[Symbol.asyncDispose]();
        },
      };
    },
  };
}

/** The CPU backend, watched. */
export function watchedCpu(found: Found): Backend {
  const kernels = watchAll(cpuKernels, found);
  return watchState(arenaBackend({ name: "cpu", kernels, createMemory: () => new PlainMemory() }), found);
}

/** The WebAssembly backend on two threads, watched. */
export async function watchedWasm(simd: "relaxed" | "plain", found: Found): Promise<Backend> {
  const binary = await loadBinary([simd], true);
  const kernels = watchAll(wasmKernels(2), found);
  return watchState(arenaBackend({ name: simd, kernels, createMemory: () => WasmMemory.open(binary, 2) }), found);
}
