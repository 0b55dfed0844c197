/** What a step leaves behind on the JavaScript heap, and how many typed arrays it makes. */
import { PerformanceObserver } from "node:perf_hooks";

export interface Allocation {
  /** Bytes of heap a step: the median, and each step's. A step in which the engine compiled something stands out. */
  readonly heapBytes: number;
  readonly heapBytesOfSteps: readonly number[];
  /** Typed arrays and buffers made a step, by constructor or by a method that makes a new one. */
  readonly typedArrays: number;
  /** Collections that ran while it was measured: the bytes are only true where there were none. */
  readonly collections: number;
}

const constructors = [
  "ArrayBuffer",
  "Float32Array",
  "Float64Array",
  "Int32Array",
  "Uint8Array",
  "Uint32Array",
] as const;
const makers = ["subarray", "slice", "map", "filter", "toSorted", "toReversed", "with"] as const;

/** Counts typed arrays that are made while `body` runs. */
async function countTypedArrays(body: () => Promise<void>): Promise<number> {
  let count = 0;
  const typed = Object.getPrototypeOf(Float32Array.prototype) as object;
  const kept: (() => void)[] = [];
  const replace = (target: object, name: string, make: (original: never) => unknown): void => {
    const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor;
    Object.defineProperty(target, name, { ...descriptor, value: make(descriptor.value as never) });
    kept.push(() => Object.defineProperty(target, name, descriptor));
  };
  for (const name of constructors) {
    replace(globalThis, name, (original: new (...args: unknown[]) => object) => {
      return new Proxy(original, {
        construct(target, args, newTarget) {
          count += 1;
          return Reflect.construct(target, args, newTarget) as object;
        },
      });
    });
  }
  for (const name of makers) {
    replace(typed, name, (original: (...args: unknown[]) => unknown) => {
      return function counted(this: unknown, ...args: unknown[]) {
        count += 1;
        return original.apply(this, args);
      };
    });
  }
  try {
    await body();
  } finally {
    for (const restore of kept) restore();
  }
  return count;
}

/**
 * Measures `steps` calls after warm-up. Run node with `--expose-gc` and a young generation (`--min-semi-space-size`) that holds what
 * the calls allocate, so that nothing is collected between the two readings.
 */
export async function allocationOf(step: () => Promise<unknown>, steps: number): Promise<Allocation> {
  const { gc } = globalThis;
  if (!gc) throw new Error("run node with --expose-gc");
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  gc();
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.observe({ entryTypes: ["gc"] });
  const heapBytesOfSteps: number[] = [];
  for (let i = 0, before = process.memoryUsage().heapUsed; i < steps; i++) {
    await step();
    const after = process.memoryUsage().heapUsed;
    heapBytesOfSteps.push(after - before);
    before = after;
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.disconnect();
  // Last, because replacing constructors makes the engine compile anew.
  const typedArrays = await countTypedArrays(async () => {
    for (let i = 0; i < steps; i++) await step();
  });
  const heapBytes = heapBytesOfSteps.toSorted((a, b) => a - b)[steps >> 1] as number;
  return { heapBytes, heapBytesOfSteps, typedArrays: typedArrays / steps, collections };
}
