/** The reference passes the suite that it defines: programs mean what their graphs mean, and the suite itself holds together. */
import { reference, testBackend } from "@ostinato/conformance";
import { isComposite } from "@ostinato/core";

testBackend({ name: "reference", create: async () => reference() });

testBackend({
  name: "reference, everything decomposed",
  create: async () => ({ ...reference(), runs: (node) => !isComposite(node.op) }),
});
