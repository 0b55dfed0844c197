/** The suite that every backend must pass. */
import { testBackend } from "@ostinato/conformance";
import { cpu } from "../src/index.ts";

testBackend({ name: "cpu", create: cpu, skip: [] });
