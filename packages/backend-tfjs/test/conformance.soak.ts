/** The whole suite on the tfjs backends, with more random shapes. */
import { soakTrials, testBackend } from "@ostinato/conformance";
import { backends } from "./backends.ts";

for (const backend of backends) testBackend({ ...backend, trials: soakTrials });
