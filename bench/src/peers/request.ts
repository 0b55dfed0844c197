/** What is asked of the measurements on the command line. */
import { parseArgs } from "node:util";
import { parts } from "./parts/index.ts";

export const help = `pnpm bench:peers [options]
  --python PATH   an interpreter whose PyTorch, TensorFlow with Keras and JAX take part; may be repeated
                  (default: /usr/bin/python3, else python3, where it has PyTorch)
  --only PARTS    parts to measure, between commas; may be repeated. The others' results stay. One of
                  ${[...parts.keys()].join(", ")}
  --full          every batch of the epoch and of the test reviews, in place of 40 of each
  --quick         small networks, few rounds and batches: to see that all works, not to measure; needs --dry
  --dry           writes no results
  --readme        puts the table of all results that are there between the marks in README.md too
  --tables        measures nothing: writes the tables anew from the results that are there`;

export interface Request {
  readonly pythons: readonly string[];
  readonly parts: readonly string[];
  readonly full: boolean;
  readonly quick: boolean;
  readonly dry: boolean;
  readonly readme: boolean;
  readonly tables: boolean;
  readonly help: boolean;
}

/** Reads the command line. @throws Error with a line that says what is wrong */
export function readRequest(args: readonly string[]): Request {
  const flag = { type: "boolean", default: false } as const;
  const many = { type: "string", multiple: true, default: [] as string[] } as const;
  const options = {
    python: many,
    only: many,
    full: flag,
    quick: flag,
    dry: flag,
    readme: flag,
    tables: flag,
    help: flag,
  };
  const { values } = parseArgs({ args: [...args], options });
  const { python, only, ...flags } = values;
  const wanted = only.flatMap((list) => list.split(",")).map((name) => name.trim());
  const unknown = wanted.find((name) => !parts.has(name));
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: there is no such part; there are ${[...parts.keys()].join(", ")}`);
  if (flags.quick && !flags.dry) throw new Error("--quick measures nothing worth keeping: it needs --dry");
  if (flags.dry && flags.readme) throw new Error("--dry writes nothing, --readme does: leave one of them out");
  if (flags.tables && wanted.length > 0) throw new Error("--tables measures nothing: leave out --only");
  return {
    ...flags,
    pythons: [...new Set(python)],
    parts: [...parts.keys()].filter((name) => wanted.length === 0 || wanted.includes(name)),
  };
}
