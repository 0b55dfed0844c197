/** The text form of programs: what runs, in which order, where each value lies, which composites run decomposed, and which ops outside of what makes the backend fast (`plain`). */
import { showType } from "../ir/value.ts";
import type { AnyStep, Program, ProgramValue, Step } from "./program.ts";

function showValue(program: Program, index: number): string {
  if (index < 0) return "-";
  const value = program.values[index] as ProgramValue;
  const { storage } = value;
  const where = "name" in storage ? storage.name : `${storage.kind === "kept" ? "kept " : ""}@${storage.offset}`;
  return `${showType(value)}${value.uniform ? " uniform" : ""} ${where}`;
}

/** The operations of a fused op: `.k` is what the k-th of them makes. */
function showOperations({ inputs, attrs }: Step<"fused">, margin: string): string[] {
  const nameOf = (value: number): string => (value < inputs.length ? `%${inputs[value]}` : `.${value - inputs.length}`);
  const lines = attrs.operations.map(({ op, inputs }, k) => `${margin}.${k} = ${op}(${inputs.map(nameOf).join(", ")})`);
  return [...lines, `${margin}return ${attrs.results.map(nameOf).join(", ")}`];
}

function showSteps(program: Program, steps: readonly AnyStep[], margin: string): string[] {
  return steps.flatMap((step) => {
    const outputs = step.outputs.map((output) => (output < 0 ? "-" : `%${output}`)).join(", ");
    const inputs = step.inputs.map((input) => `%${input}`).join(", ");
    const where = step.outputs.map((output) => showValue(program, output)).join(", ");
    const how = step.alias ? " alias" : program.plain.includes(step.op) ? " plain" : "";
    const head = `${margin}${outputs} = ${step.op}(${inputs}): ${where}${how}`;
    if (step.op === "fused") return [head, ...showOperations(step, `${margin}  `)];
    return step.block ? [head, ...showSteps(program, step.block.steps, `${margin}  `)] : [head];
  });
}

/** A program as text: for snapshots, and for people who ask what their model became. */
export function describe(program: Program): string {
  const { prepared } = program;
  const capacities = Object.entries(program.capacities).map(([name, size]) => `${name} ≤ ${size}`);
  const named = (kind: string, list: readonly { name: string; value: number }[]): string[] =>
    list.map(({ name, value }) => `${kind} ${name} %${value}: ${showValue(program, value)}`);
  return [
    `program (${capacities.join(", ")}), arena of ${program.arenaBytes} bytes`,
    ...(program.decomposed.length > 0 ? [`decomposed: ${program.decomposed.join(", ")}`] : []),
    ...named("feed", program.feeds),
    ...named("state", program.states),
    ...named("held", program.held),
    ...(prepared > 0 ? [`when the state was written, ${program.keptBytes} bytes are kept of:`] : []),
    ...showSteps(program, program.steps.slice(0, prepared), "  "),
    ...showSteps(program, program.steps.slice(prepared), ""),
    ...named("fetch", program.fetches),
    ...named("update", program.updates),
    ...named("hold", program.holds),
    ...(program.guard === undefined ? [] : [`guard %${program.guard}`]),
    ...showSteps(program, program.commits, "commit "),
  ].join("\n");
}
