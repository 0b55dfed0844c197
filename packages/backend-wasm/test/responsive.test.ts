/** Pages in Chromium that train: they go on painting, and a timer ends a training, with the backend in the page and in a worker. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { bundle, describeInChromium, type Files, isolated, type OpenPage } from "@ostinato/conformance/pages";
import { beforeAll, describe, expect, test } from "vitest";
import type { Painted } from "./browser/responsive.ts";
import type { Choice } from "./browser/training.ts";

/** A machine that is busy with something else may hold up a try; the best of them counts. */
const TRIES = 3;

async function best<T>(attempt: () => Promise<T>, good: (result: T) => boolean): Promise<T> {
  let result = await attempt();
  for (let tries = 1; tries < TRIES && !good(result); tries++) result = await attempt();
  return result;
}

describeInChromium("pages that train", (open) => {
  let files: Files;
  beforeAll(async () => {
    const [page, backend, abort] = await Promise.all(
      ["responsive.ts", "backend.worker.ts", "abort.worker.ts"].map((file) =>
        bundle(join(import.meta.dirname, "browser", file)),
      ),
    );
    const { resolve } = createRequire(import.meta.url);
    const binaries = ["tfjs-backend-wasm-simd.wasm", "tfjs-backend-wasm-threaded-simd.wasm"].map(
      (file) => [file, readFileSync(resolve(`@tensorflow/tfjs-backend-wasm/dist/${file}`))] as const,
    );
    files = { "page.js": page as string, "backend.js": backend, "abort.js": abort, ...Object.fromEntries(binaries) };
  });

  const abortTest = (kind: string, name: string, choice: Choice, openPage: () => Promise<OpenPage>): void => {
    test(`${name}: a timer of 100 ms ends a training within 200 ms`, async () => {
      const times: Record<string, number | string> = {};
      // Of each place the soonest end counts; one that did not end by the abort counts as it is.
      await best(
        async () => {
          await using site = await openPage();
          const report = (await site.page.evaluate(`abort(${JSON.stringify(choice)})`)) as typeof times;
          for (const [where, time] of Object.entries(report)) {
            const known = times[where] ?? time;
            times[where] = typeof time === "number" && typeof known === "number" ? Math.min(time, known) : time;
          }
          return times;
        },
        (report) => Object.values(report).every((time) => typeof time === "number" && time < 200),
      );
      console.info(`${kind}, ${name}: ${JSON.stringify(times)}`);
      expect(Object.keys(times)).toHaveLength(3);
      for (const [where, time] of Object.entries(times)) expect(time, where).toBeLessThan(200);
    });
  };

  // Of each way to compute one: a page without shared memory has no threads, and everything else is as in the other.
  const pages = { isolated: ["tfjs-cpu", "cpu", 2], "not isolated": ["tfjs-wasm", 1] } as const;
  for (const [kind, choices] of Object.entries(pages)) {
    const openPage = (): Promise<OpenPage> => open({ files, headers: kind === "isolated" ? isolated : {} });
    describe(kind, () => {
      for (const choice of choices) {
        if (choice === "tfjs-cpu" || choice === "tfjs-wasm") {
          abortTest(kind, choice, choice, openPage);
          continue;
        }
        const name = choice === "cpu" ? "cpu" : `wasm, threads: ${choice}`;
        const paint = async (where: "page" | "worker", milliseconds: number): Promise<Painted> => {
          await using site = await openPage();
          return (await site.page.evaluate(
            `paint("${where}", ${JSON.stringify(choice satisfies Choice)}, ${milliseconds})`,
          )) as Painted;
        };

        test(`${name}: with steps of at most 20 ms a page paints 20 frames a second`, async () => {
          const result = await best(
            () => paint("page", 6),
            ({ step, framesPerSecond }) => step <= 20 && framesPerSecond >= 20,
          );
          console.info(`${kind}, ${JSON.stringify(result)}`);
          expect(result.step).toBeLessThanOrEqual(20);
          expect(result.framesPerSecond).toBeGreaterThanOrEqual(20);
        });

        test(`${name} in a worker: with steps of 100 ms and more a page paints 20 frames a second`, async () => {
          const result = await best(
            // The machine may be three times as busy when steps are tried out as in the training after it.
            () => paint("worker", 300),
            ({ step, framesPerSecond }) => step >= 100 && framesPerSecond >= 20,
          );
          console.info(`${kind}, ${JSON.stringify(result)}`);
          expect(result.backend).toMatch(/ in a worker$/);
          expect(result.step).toBeGreaterThanOrEqual(100);
          expect(result.framesPerSecond).toBeGreaterThanOrEqual(20);
        });

        abortTest(kind, name, choice, openPage);
      }
    });
  }

  test("a worker that is terminated behind the backend's back rejects its calls", async () => {
    await using site = await open({ files });
    expect(await site.page.evaluate("terminated()")).toMatch(/^ResourceError: .*it ended/);
  });
});
