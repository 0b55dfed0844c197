/** Damages files in many ways, and checks how readers handle them. */
import { OstinatoError, type RandomStream } from "@ostinato/core";
import { expect } from "vitest";

declare const process: { cpuUsage(): { user: number; system: number } };

/** The processor time of this process in ms, which does not depend on other processes. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Wrong values for the sizes, counts and addresses of binary formats. */
const oddNumbers = [0n, 1n, 8n, 96n, 0xffffn, 0x7fffffffn, 0xffffffffn, 0x100000000n, 1n << 40n, (1n << 64n) - 1n];

/** A protobuf varint: seven bits per byte, the lowest first. */
function varint(number: bigint): number[] {
  return number < 128n ? [Number(number)] : [Number(number & 127n) | 128, ...varint(number >> 7n)];
}

/** A copy of a file with damage of the kind `k`: bits flipped, fields overwritten, or pieces moved, cut off, removed, repeated or inserted. */
export function damage(file: Uint8Array, k: number, random: RandomStream): Uint8Array {
  const out = file.slice();
  const view = new DataView(out.buffer);
  const place = (below = out.length) => random.below(Math.max(below, 1));
  const piece = (): [number, number] => {
    const from = place();
    return [from, Math.min(out.length, from + 1 + place(64))];
  };
  switch (k % 7) {
    case 0:
      for (let count = 1 + random.below(20); count > 0; count--) {
        const at = place();
        out[at] = (out[at] as number) ^ (1 << random.below(8));
      }
      return out;
    case 1: {
      const size = [1, 2, 4, 8][random.below(4)] as number;
      const number = oddNumbers[random.below(oddNumbers.length)] as bigint;
      const at = place(out.length - 8);
      for (let i = 0; i < size; i++) view.setUint8(at + i, Number((number >> BigInt(8 * i)) & 255n));
      return out;
    }
    case 2:
      // Replaces an address, or part of one, with another.
      view.setBigUint64(place(out.length - 8) & ~7, view.getBigUint64(place(out.length - 8) & ~7));
      return out;
    case 3:
      return out.slice(0, place());
    case 4: {
      const [from, to] = piece();
      return Uint8Array.from([...out.subarray(0, from), ...out.subarray(to)]);
    }
    case 5: {
      const at = place();
      const number = oddNumbers[random.below(oddNumbers.length)] as bigint;
      return Uint8Array.from([...out.subarray(0, at), ...varint(number), ...out.subarray(at + random.below(3))]);
    }
    default: {
      const [from, to] = piece();
      out.copyWithin(place(out.length - (to - from)), from, to);
      return out;
    }
  }
}

/** Whether bytes are rejected with a typed error, or read. Other errors are rethrown with a description of the damage. */
async function taken(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array, k: number): Promise<"refused" | "read"> {
  try {
    await read(bytes);
    return "read";
  } catch (error) {
    if (error instanceof OstinatoError) return "refused";
    throw new Error(`mutation ${k} of ${bytes.length} bytes`, { cause: error });
  }
}

/** The constructors of buffers, with their bytes per element. */
const makers = {
  ArrayBuffer: 1,
  Int8Array: 1,
  Uint8Array: 1,
  Uint16Array: 2,
  Int16Array: 2,
  Int32Array: 4,
  Uint32Array: 4,
  Float32Array: 4,
  Float64Array: 8,
  BigInt64Array: 8,
  BigUint64Array: 8,
} as const;

/** Observes every buffer that is created until it is disposed. */
class BufferWatch implements Disposable {
  readonly #names = Object.keys(makers) as (keyof typeof makers)[];
  readonly #originals = this.#names.map((name) => globalThis[name]);
  #longest = 0;

  constructor() {
    this.#put(
      this.#originals.map(
        (original, i) =>
          new Proxy(original as never, {
            construct: (target: never, args: unknown[], newTarget) => {
              if (typeof args[0] === "number")
                this.#longest = Math.max(this.#longest, args[0] * makers[this.#names[i] as keyof typeof makers]);
              return Reflect.construct(target, args, newTarget);
            },
          }),
      ),
    );
  }

  #put(values: readonly unknown[]): void {
    this.#names.forEach((name, i) => {
      Object.defineProperty(globalThis, name, { configurable: true, writable: true, value: values[i] });
    });
  }

  /** The size in bytes of the largest buffer created by `act`, and its processor time in ms. */
  async during(act: () => Promise<unknown>): Promise<{ longest: number; ms: number }> {
    this.#longest = 0;
    const start = processorTime();
    await act();
    return { longest: this.#longest, ms: processorTime() - start };
  }

  [Symbol.dispose](): void {
    this.#put(this.#originals);
  }
}

/**
 * Damages files `count` times, and expects only typed errors, each within a second of processor time, and no buffer longer than ten times the file.
 *
 * @param damaged damages a file in its `k`th way. Default: damages arbitrary bytes
 * @returns the numbers of files that were rejected and that were read
 */
export async function expectHarmless(
  files: readonly Uint8Array[],
  read: (bytes: Uint8Array) => unknown,
  count: number,
  random: RandomStream,
  damaged: (file: Uint8Array, k: number, random: RandomStream) => Uint8Array = damage,
): Promise<{ readonly refused: number; readonly read: number }> {
  // Creates lazily initialized data, such as tables, before measuring.
  for (const file of files) await taken(read, file, -1);
  const outcomes = { refused: 0, read: 0 };
  using watch = new BufferWatch();
  for (let k = 0; k < count; k++) {
    const file = files[k % files.length] as Uint8Array;
    const bytes = damaged(file, Math.floor(k / files.length), random);
    const { longest, ms } = await watch.during(async () => {
      outcomes[await taken(read, bytes, k)] += 1;
    });
    expect(ms, `mutation ${k}`).toBeLessThan(1000);
    expect(longest, `mutation ${k}`).toBeLessThanOrEqual(10 * Math.max(bytes.length, 1024) + 1);
  }
  return outcomes;
}
