/** Lines of a byte stream, wherever it is cut. */
import { describe, expect, test } from "vitest";
import { lineBatches } from "../src/lines.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "utf8");

describe("lineBatches", () => {
  async function* chunks(...parts: Uint8Array[]) {
    yield* parts;
  }
  const read = async (parts: Uint8Array[], longest = 100) => {
    const lines = [];
    for await (const batch of lineBatches(chunks(...parts), longest)) lines.push(...batch);
    return lines;
  };

  test("wherever the stream is cut into chunks, in the middle of a character too", async () => {
    const whole = bytes("für\r\n\n💩\nend");
    const expected = ["für", "", "💩", "end"].map((text, i) => ({ text, number: i + 1, valid: true }));
    for (let cut = 0; cut <= whole.length; cut++) {
      expect(await read([whole.subarray(0, cut), whole.subarray(cut)])).toEqual(expected);
    }
    expect(await read([...whole].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  test("a byte order mark is no part of the first line, and a character in any other", async () => {
    const whole = bytes("\ufefffür\n\ufeffend");
    for (let cut = 0; cut <= whole.length; cut++) {
      const lines = await read([whole.subarray(0, cut), whole.subarray(cut)]);
      expect(lines.map(({ text }) => text)).toEqual(["für", "\ufeffend"]);
    }
  });

  test("a line without end is an error before it fills the memory", async () => {
    await expect(read([bytes("short\n"), bytes("x".repeat(60)), bytes("x".repeat(60))])).rejects.toThrow(
      "line 2 is longer than 100 bytes",
    );
  });
});
