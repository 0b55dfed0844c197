/** Keeping: the gradient of a scan computes each step again. Products in it are not made again: the scan gives them beside its outputs. */
import { apply } from "../ir/build/apply.ts";
import { parameter } from "../ir/build/source.ts";
import { rewrite, substitute } from "../ir/rewrite.ts";
import { shareEqual } from "../ir/share.ts";
import { type AnyNode, type Node, nodesOf, type Value } from "../ir/value.ts";

type ScanNode = Node<"scan"> & AnyNode;

const isSlice = ({ attrs }: ScanNode, at: number): boolean => at < attrs.carries + attrs.sequences;

/** What a step of `gradient` reads that a step of `scan` reads, too, by the parameters of both: a carry by its history, the same sequence or constant. */
function readByBoth(scan: ScanNode, gradient: ScanNode): (readonly [Value, Value])[] {
  const { body, carries } = scan.attrs;
  return gradient.attrs.body.parameters.flatMap((inside, at) => {
    const { node, output } = gradient.inputs[at] as Value;
    const carry = node === scan ? output - body.results.length : -1;
    const same = scan.inputs.findIndex(
      (own, i) =>
        i >= carries && own.node === node && own.output === output && isSlice(scan, i) === isSlice(gradient, at),
    );
    const own = body.parameters[carry >= 0 ? carry : same];
    return own && at >= gradient.attrs.carries ? [[inside, own] as const] : [];
  });
}

/** Products of a scan's step that the step of its gradient makes again, and the results of both without the second time. */
function shared(scan: ScanNode, gradient: ScanNode) {
  const { body, carries } = scan.attrs;
  const both = readByBoth(scan, gradient);
  const [there, here] = [both.map(([inside]) => inside), both.map(([, own]) => own)];
  const again = substitute(gradient.attrs.body.results, there, here);
  const all = rewrite([...body.results, ...again], shareEqual());
  const results = all.slice(0, body.results.length);
  // Those that wait for a carry, and sums with them. Others are made for all steps at once anyway.
  const waiting = new Set(body.parameters.slice(0, carries).map(({ node }) => node));
  const costly = new Set<AnyNode>();
  for (const node of nodesOf(results)) {
    const { op, inputs } = node;
    if (inputs.some((input) => waiting.has(input.node))) waiting.add(node);
    if (op === "dot" ? waiting.has(node) : op === "add" && inputs.some((input) => costly.has(input.node)))
      costly.add(node);
  }
  const kept = new Map<AnyNode, Value>();
  const seen = new Set<AnyNode>();
  const visit = (value: Value): void => {
    const { node } = value;
    if (costly.has(node)) kept.set(node, value);
    else if (!seen.has(node)) {
      seen.add(node);
      node.inputs.forEach(visit);
    }
  };
  all.slice(results.length).forEach(visit);
  const made = [...kept.values()];
  const slices = made.map(({ type }) => parameter("kept", type.dtype, type.shape));
  return {
    results: [...results, ...made],
    slices,
    resultsOfGradient: substitute(all.slice(results.length), [...made, ...here], [...slices, ...there]),
  };
}

/** `roots` where `scan` keeps products that `gradient` made again; undefined where there are none. */
function keepFor(roots: readonly Value[], scan: ScanNode, gradient: ScanNode): Value[] | undefined {
  const { results, slices, resultsOfGradient } = shared(scan, gradient);
  if (slices.length === 0) return undefined;
  const steps = results.length - slices.length;
  let stacked: readonly Value[] = [];
  return rewrite(roots, (node, inputs) => {
    if (node === scan) {
      const { body, ...attrs } = scan.attrs;
      const outputs = apply("scan", inputs, { ...attrs, body: { ...body, results } });
      stacked = outputs.slice(steps, results.length);
      return [...outputs.slice(0, steps), ...outputs.slice(results.length)];
    }
    if (node !== gradient) return undefined;
    const { body, carries, sequences, reverse } = gradient.attrs;
    const withKept = (values: readonly Value[], kept: readonly Value[]): Value[] => [
      ...values.slice(0, carries + sequences),
      ...kept,
      ...values.slice(carries + sequences),
    ];
    return apply("scan", withKept(inputs, stacked), {
      body: { parameters: withKept(body.parameters, slices), results: resultsOfGradient },
      carries,
      sequences: sequences + slices.length,
      reverse,
    });
  });
}

/** `roots` with products that the gradient of a scan would make again kept by the scan. */
export function keepProducts(roots: readonly Value[]): readonly Value[] {
  for (const gradient of nodesOf(roots)) {
    if (gradient.op !== "scan") continue;
    for (const scan of new Set(gradient.inputs.map(({ node }) => node))) {
      const found = scan.op === "scan" ? keepFor(roots, scan, gradient) : undefined;
      if (found) return keepProducts(found);
    }
  }
  return roots;
}
