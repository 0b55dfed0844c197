/** Core's gradients against central differences, with more random shapes. */
import { soakTrials } from "@ostinato/conformance";
import { testGradients } from "./centralDifferences.ts";

testGradients(soakTrials);
