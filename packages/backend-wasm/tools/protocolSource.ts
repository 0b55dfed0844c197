/** `src/protocol.ts` as AssemblyScript: what the module is compiled with. */
import {
  bytes,
  control,
  counts,
  fusedOps,
  jobNames,
  jobs,
  recurrence,
  recurrenceForward,
  recurrenceGrad,
  reductions,
} from "../src/protocol.ts";

const capital = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}`;
const constantName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

const enumOf = (name: string, members: readonly string[]): string =>
  `export enum ${name} {\n${members.map((member) => `  ${member},\n`).join("")}}\n`;

const constantsOf = (type: string, values: Readonly<Record<string, number>>, suffix = ""): string =>
  Object.entries(values)
    .map(([name, value]) => `export const ${constantName(name)}${suffix}: ${type} = ${value};\n`)
    .join("");

export function protocolSource(): string {
  return [
    "/** The module's side of `src/protocol.ts`; `pnpm assemble` makes this file from it. */\n",
    enumOf("Job", jobNames),
    enumOf("FusedOp", fusedOps),
    enumOf("Reduction", reductions),
    enumOf("Recurrence", recurrence),
    enumOf("RecurrenceForward", recurrenceForward),
    enumOf("RecurrenceGrad", recurrenceGrad),
    ...Object.entries(jobs).map(([job, names]) => enumOf(capital(job), names)),
    constantsOf("i32", counts),
    constantsOf("usize", bytes, "_BYTES"),
    constantsOf("usize", control),
  ].join("\n");
}
