/** Damaged model files: a ModelFileError at once, or a model that can be written again; never another error, nor memory on its word. */
import { fromBytes, ModelFileError, RandomStream, toBytes } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { edited, putTogether, smallModel, takeApart } from "./models.ts";

/** Reads a file that may be damaged: either it is refused in the right way, or it is a model that can be written again. */
function probe(given: Uint8Array): "refused" | "read" {
  try {
    toBytes(fromBytes(given));
    return "read";
  } catch (error) {
    if (error instanceof ModelFileError) return "refused";
    throw error;
  }
}

describe("damage", () => {
  const small = toBytes(smallModel());

  test("a file cut at any byte is refused", () => {
    for (let length = 0; length < small.length; length++)
      expect(probe(small.subarray(0, length)), `${length}`).toBe("refused");
  });

  test("2,000 mutations: no other error, none that takes a second, no buffer larger than the file", () => {
    const random = new RandomStream(1, "mutations");
    const pick = <T>(options: readonly T[]): T => options[random.below(options.length)]!;
    const text = JSON.stringify(takeApart(small).header);
    const fragments = [
      "-1",
      "1e308",
      "null",
      "[]",
      "{}",
      '"__proto__"',
      '"constructor"',
      "9007199254740993",
      "true",
      '"\\ud800"',
      "0.5",
    ];
    const mutations: (() => Uint8Array)[] = [
      () => flipped(small.slice(), 1),
      () => flipped(small.slice(), 1 + random.below(20)),
      () => flipped(small.slice(), 1, 8 + text.length),
      () =>
        putTogether(
          text,
          takeApart(small).data,
          BigInt(pick([0, 1, 7, text.length - 1, text.length + 1, 2 ** 31, 2 ** 32, 2 ** 53])),
        ),
      () => {
        // A number, a word or a bracket of the header, replaced by something else.
        const tokens = [...text.matchAll(/-?\d+|[\w/]+|[[\]{},:]/g)];
        const token = pick(tokens);
        return putTogether(
          text.slice(0, token.index) + pick(fragments) + text.slice(token.index + token[0].length),
          takeApart(small).data,
        );
      },
      () => {
        const [from, to] = [random.below(text.length), random.below(text.length)].sort((a, b) => a - b) as [
          number,
          number,
        ];
        return putTogether(
          text.slice(0, from) + pick(["", text.slice(from, to).repeat(2)]) + text.slice(to),
          takeApart(small).data,
        );
      },
    ];
    function flipped(file: Uint8Array, count: number, below = file.length): Uint8Array {
      for (let k = 0; k < count; k++) file[random.below(below)]! ^= 1 << random.below(8);
      return file;
    }

    const outcomes = { refused: 0, read: 0 };
    let slowest = 0;
    for (let k = 0; k < 2000; k++) {
      const given = mutations[k % mutations.length]!();
      const start = performance.now();
      outcomes[probe(given)] += 1;
      slowest = Math.max(slowest, performance.now() - start);
    }
    expect(slowest).toBeLessThan(1000);
    // Bits of weights may change without notice; most of the header may not.
    expect(outcomes.refused).toBeGreaterThan(1200);
    expect(outcomes.read).toBeGreaterThan(0);
  });

  test("nothing larger than the file is allocated for what a header claims", () => {
    const made: number[] = [];
    const watched = new Proxy(Uint8Array, {
      construct(target, given: [number]) {
        if (typeof given[0] === "number") made.push(given[0]);
        return Reflect.construct(target, given);
      },
    });
    const kept = globalThis.Uint8Array;
    globalThis.Uint8Array = watched;
    try {
      for (const size of [2 ** 31, 2 ** 40, 2 ** 52]) {
        const claimed = edited(small, (header) => {
          header["head/bias"] = { dtype: "F32", shape: [size / 4], data_offsets: [0, size] };
        });
        made.length = 0;
        expect(probe(claimed)).toBe("refused");
        expect(Math.max(0, ...made)).toBeLessThanOrEqual(claimed.length);
      }
    } finally {
      globalThis.Uint8Array = kept;
    }
  });
});
