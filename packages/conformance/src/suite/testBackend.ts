/** The suite as vitest tests: every backend is made once, and passes every test that it does not skip with a reason. */
import type { Backend } from "@ostinato/core";
import { beforeAll, describe, expect, test } from "vitest";
import { attentionTests } from "./attentionEdges.ts";
import { contractTests } from "./contract.ts";
import { fusingTests } from "./fusing.ts";
import { goldenTests } from "./golden.ts";
import { holdingTests } from "./holding.ts";
import { hugeGradientTests } from "./hugeGradients.ts";
import { optimizerTests } from "./optimizers.ts";
import { carryingTests } from "./recurrent/carrying.ts";
import { decodingTests } from "./recurrent/decoding.ts";
import { foldingTests } from "./recurrent/folding.ts";
import { graphFormTests } from "./recurrent/graphForm.ts";
import { recurrenceTests } from "./recurrent/recurrence.ts";
import { treeModelTests } from "./recurrent/treeModels.ts";
import { writingTests } from "./recurrent/writing.ts";
import { severalOutputsTests } from "./severalOutputs.ts";
import { sharingTests } from "./sharing.ts";
import { specialNumberTests } from "./specialNumbers.ts";
import type { SuiteTest } from "./suiteTest.ts";
import { liveBuffersTest, trainingTests } from "./training.ts";
import { treeTests } from "./trees.ts";
import { trialTests } from "./trials.ts";
import { wholeRowsTests } from "./wholeRows.ts";

declare const console: { info(message: string): void };

/** Tests that a backend cannot pass, and why. */
export interface Skip {
  readonly reason: string;
  /** Names as the suite has them: `"ops > gather"`. A name that the suite does not have is a failure. */
  readonly tests: readonly string[];
}

export interface BackendUnderTest {
  readonly name: string;
  readonly create: () => Promise<Backend>;
  /** Default: none. */
  readonly skip?: readonly Skip[];
  /** Which tests, by their names, are run where another variant of the backend runs all. Default: every one. */
  readonly only?: (name: string) => boolean;
  /** How many random shapes each test tries, where another variant of the backend tries all of them. Default: all. */
  readonly trials?: number;
  /** How many buffers of the device are alive, for a backend that can tell. */
  readonly liveBuffers?: () => number;
}

/** The names of all tests, for skips. */
export function suiteTestNames(): string[] {
  return suiteTests(() => 0).map(({ name }) => name);
}

/** All tests; the one of live buffers only where they can be counted. */
export function suiteTests(liveBuffers?: () => number): SuiteTest[] {
  return [
    ...trialTests,
    ...treeTests,
    ...fusingTests,
    ...specialNumberTests,
    ...recurrenceTests,
    ...foldingTests,
    ...carryingTests,
    ...contractTests,
    ...holdingTests,
    ...goldenTests,
    ...attentionTests,
    ...trainingTests,
    ...severalOutputsTests,
    ...wholeRowsTests,
    ...treeModelTests,
    ...hugeGradientTests,
    ...optimizerTests,
    ...sharingTests,
    ...decodingTests,
    ...writingTests,
    ...graphFormTests,
    ...(liveBuffers ? [liveBuffersTest(liveBuffers)] : []),
  ];
}

/**
 * Declares the suite for one backend. Call it at the top of a test file.
 *
 * @example testBackend({ name: "cpu", create: async () => cpu(), skip: [{ reason: "ids are not checked", tests: ["…"] }] })
 */
export function testBackend({
  name,
  create,
  skip = [],
  only = () => true,
  trials,
  liveBuffers,
}: BackendUnderTest): void {
  const tests = suiteTests(liveBuffers).filter((entry) => only(entry.name));
  describe(`${name} against the reference`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await create();
    });

    test("every skip has a reason and names tests of the suite", () => {
      const known = suiteTestNames();
      expect(skip.flatMap((entry) => entry.tests).filter((skipped) => !known.includes(skipped))).toEqual([]);
      expect(skip.filter((entry) => entry.reason.trim() === "" || entry.tests.length === 0)).toEqual([]);
    });
    for (const { reason, tests: names } of skip) console.info(`${name} skips ${names.join(", ")}: ${reason}`);
    for (const { name: title, run } of tests) {
      const reason = skip.find((entry) => entry.tests.includes(title))?.reason;
      if (reason === undefined) test(title, () => run(backend, trials));
      else test.skip(`${title} (skipped: ${reason})`, () => run(backend, trials));
    }
  });
}
