/** 50 kills at drawn moments of one training. */
import { test } from "vitest";
import { killReviews } from "./kills.ts";
import { temporaryFolder } from "./runCli.ts";

test("killed 50 times and resumed: the bytes of the training that was not", () =>
  killReviews(temporaryFolder(), 250, 50, 2));
