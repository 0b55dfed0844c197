/** The reference passes the suite that it defines: programs mean what their graphs mean, and the suite itself holds together. */
import { reference, testBackend } from "@ostinato/conformance";
import { isComposite } from "@ostinato/core";

// Programs that lowering leaves as they are: the variant below tries all random shapes.
testBackend({ name: "reference", create: async () => reference(), trials: 3 });

testBackend({
  name: "reference, everything decomposed",
  create: async () => ({ ...reference(), runs: (node) => !isComposite(node.op) }),
});
