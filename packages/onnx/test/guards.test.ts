/** Feeds that are rejected or accepted before they reach onnxruntime, in Node. For browsers, see web.test.ts. */
import { openSession } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import { guardCases } from "./guardCases.ts";

test.each(guardCases)("$what", async ({ model, good, bad }) => {
  const session = await openSession(model, { threads: 1 });
  expect(Object.keys(await session.run(good))).toEqual(session.outputs.map(({ name }) => name));
  for (const [feeds, name, message] of bad) {
    const error = await session.run(feeds).then(
      () => new Error("it ran"),
      (caught: Error) => caught,
    );
    expect([error.name, error.message.slice(0, message.length)]).toEqual([name, message]);
  }
  await session.dispose();
});
