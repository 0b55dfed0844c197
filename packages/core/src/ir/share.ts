/** Sharing: equal expressions become one node. */
import { apply } from "./build/apply.ts";
import { attrsKey } from "./print.ts";
import type { RewriteRule } from "./rewrite.ts";
import type { AnyNode, Value } from "./value.ts";

/** Decides for each node, after its inputs, whether it may be merged with equal nodes. */
export type Shares = (node: AnyNode) => boolean;

/** A rule that sees each node once: it returns the first node with the same op, attributes and inputs. */
export function shareEqual(shares: Shares = () => true): RewriteRule {
  const numbers = new Map<AnyNode, number>();
  const known = new Map<string, readonly Value[]>();
  const numberOf = (node: AnyNode): number => {
    const number = numbers.get(node) ?? numbers.size;
    numbers.set(node, number);
    return number;
  };
  return (node, inputs) => {
    if (!shares(node) || (node.op === "input" && node.attrs.kind === "parameter")) return undefined;
    const reads = inputs.map((input) => `${numberOf(input.node)}.${input.output}`).join();
    const key = `${node.op}(${reads})${attrsKey(node)}`;
    const first = known.get(key);
    if (first) return first;
    const outputs = apply(node.op, inputs, node.attrs);
    known.set(key, outputs);
    return outputs;
  };
}
