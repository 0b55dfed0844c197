/** Checkpoints as bytes: what goes in comes out, and of what is damaged comes a typed error at once. */
import { checkpointFromBytes, checkpointToBytes, ModelFileError, RandomStream, toBytes } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { damageOften, forged, probe, smallCheckpoint } from "./checkpoints.ts";
import { edited, smallModel } from "./models.ts";

const file = checkpointToBytes(smallCheckpoint());

describe("a checkpoint as bytes", () => {
  test("comes back, figures that are not finite too, and as the same bytes", () => {
    expect(checkpointFromBytes(file)).toEqual(smallCheckpoint());
    expect(checkpointToBytes(checkpointFromBytes(file))).toEqual(file);
    const stopped = smallCheckpoint({
      position: { ...smallCheckpoint().position, stopped: "enough" },
      callbackTensors: {},
    });
    expect(checkpointFromBytes(checkpointToBytes(stopped))).toEqual(stopped);
  });

  test("is read from a part of a larger buffer, at any offset", () => {
    const larger = Buffer.concat([Buffer.alloc(3), file, Buffer.alloc(5)]);
    expect(checkpointFromBytes(larger.subarray(3, 3 + file.length))).toEqual(smallCheckpoint());
  });

  test("is told from a model, and from that of a later version", () => {
    expect(() => checkpointFromBytes(toBytes(smallModel()))).toThrow(
      "this is a model of Ostinato, not a checkpoint: loadModel (or fromBytes) reads it",
    );
    const later = edited(file, (header) => {
      header.__metadata__ = { ...(header.__metadata__ as object), version: "2" };
    });
    expect(() => checkpointFromBytes(later)).toThrow(/format version 2; this library reads version 1/);
  });
});

describe("damage", () => {
  test("a file cut at any byte is refused", () => {
    for (let length = 0; length < file.length; length++)
      expect(probe(file.subarray(0, length)), `${length}`).toBe("refused");
  });

  test("any byte that changes is noticed, in the numbers too", () => {
    const spared: number[] = [];
    for (let at = 0; at < file.length; at++) {
      const copy = file.slice();
      copy[at] = (copy[at] as number) ^ 0x10;
      if (probe(copy) === "read") spared.push(at);
    }
    expect(spared).toEqual([]);
  });

  test("2,000 mutations: no other error, and none that takes a second", () => {
    const { refused, read, slowest } = damageOften(2000, new RandomStream(1, "mutations"));
    expect(slowest).toBeLessThan(1000);
    expect(refused).toBeGreaterThan(1500);
    // With a forged checksum, some changes are of no harm to the form.
    expect(read).toBeGreaterThan(50);
  });

  test("nothing larger than the file is made for what a header claims", () => {
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
        const claimed = edited(file, (header) => {
          header["dense/kernel"] = { dtype: "F32", shape: [size / 4], data_offsets: [0, size] };
        });
        made.length = 0;
        expect(probe(claimed)).toBe("refused");
        expect(Math.max(0, ...made)).toBeLessThanOrEqual(claimed.length);
      }
    } finally {
      globalThis.Uint8Array = kept;
    }
  });

  const { position } = smallCheckpoint();
  const positions: Readonly<Record<string, unknown>> = {
    "is missing": null,
    "is a list": [],
    "has a broken epoch": { ...position, epoch: 0.5 },
    "has a negative step": { ...position, step: -1 },
    "has more epochs than figures": { ...position, epoch: 2 },
    "has figures of other epochs": { ...position, history: [{ epoch: 2, epochs: 3, seconds: 1 }] },
    "has a learning rate that is none": { ...position, learningRate: "NaN" },
    "has a learning rate below 0": { ...position, learningRate: -0.5 },
    "has endless seconds": { ...position, seconds: "Infinity" },
    "has sums that are words": { ...position, sums: [["a"]] },
    "has no sums": { ...position, sums: null },
    "has a figure that is a word": { ...position, history: [{ epoch: 1, epochs: 3, seconds: 1, loss: "low" }] },
    "was stopped by a number": { ...position, stopped: 5 },
  };
  test.each(Object.entries(positions))("a position that %s is refused", (_what, data) => {
    const bytes = forged(file, (metadata) => {
      metadata.position = JSON.stringify(data);
    });
    expect(() => checkpointFromBytes(bytes)).toThrow(ModelFileError);
    expect(() => checkpointFromBytes(bytes)).toThrow(/damaged/);
  });

  test("names that every object has already change nothing", () => {
    const bytes = forged(file, (metadata) => {
      metadata.settings = '{"__proto__":{"seed":2},"constructor":1}';
      metadata.callbacks = '{"__proto__":{"polluted":true}}';
    });
    const { settings, callbacks } = checkpointFromBytes(bytes);
    expect(Object.hasOwn(settings, "__proto__")).toBe(true);
    expect(Object.getPrototypeOf(callbacks)).toBe(Object.prototype);
    expect("polluted" in {}).toBe(false);
  });

  test("nesting without end is no overflow", () => {
    const deep = "[".repeat(50_000) + "]".repeat(50_000);
    const withPart = (part: "settings" | "position" | "callbacks", text: string) =>
      forged(file, (metadata) => {
        metadata[part] = text;
      });
    for (const part of ["settings", "position", "callbacks"] as const)
      expect(probe(withPart(part, deep))).toBe("refused");
    expect(probe(withPart("settings", `{"seed":${deep}}`))).toBe("refused");
  });
});
