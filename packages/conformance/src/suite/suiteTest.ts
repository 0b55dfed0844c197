/** What a test of the suite is, and how close to the reference a backend must be. */
import {
  type Backend,
  bind,
  type Executable,
  type Graph,
  hoist,
  hoistTrees,
  isComposite,
  joinPads,
  lowerFor,
  type Program,
  type Session,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { evaluate } from "../reference/evaluate.ts";
import type { Trial } from "../trials/draw.ts";
import { gradientName, withGradients } from "../trials/withGradients.ts";

/** One test that every backend must pass. */
export interface SuiteTest {
  /** `group > what holds`. */
  readonly name: string;
  /** `trials`: how many random shapes are tried, where the test draws them. Default `trialsPerTest`. */
  readonly run: (backend: Backend, trials?: number) => Promise<void>;
}

/** Allowed: absolute + relative · |reference|. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** Single precision against double. */
export const forwardTolerance: Tolerance = { absolute: 1e-5, relative: 1e-4 };
export const gradientTolerance: Tolerance = { absolute: 1e-4, relative: 1e-3 };

/** Random shapes that a test tries: on a backend as users get it, and for gradients. */
export const trialsPerTest = 12;

/** Random shapes for `pnpm soak`. */
export const soakTrials = 60;

function isClose(actual: number, expected: number, { absolute, relative }: Tolerance): boolean {
  if (!Number.isFinite(expected)) return Object.is(actual, expected);
  return Math.abs(actual - expected) <= absolute + relative * Math.abs(expected);
}

/** Throws unless `actual` has the shape and the elements of `expected`: whole numbers and truth values exactly, floats closely. */
export function expectClose(
  actual: Tensor | undefined,
  expected: Tensor,
  label: string,
  tolerance = forwardTolerance,
): void {
  const isFloat = (tensor: Tensor): boolean => tensor.dtype === "float32" || tensor.dtype === "float64";
  const show = ({ dtype, shape }: Tensor): string => `${dtype}[${shape.join(", ")}]`;
  if (actual === undefined) throw new Error(`${label} is missing`);
  const sameType = isFloat(expected) ? isFloat(actual) : actual.dtype === expected.dtype;
  if (!sameType || actual.shape.join() !== expected.shape.join()) {
    throw new Error(`${label} is ${show(actual)}, the reference ${show(expected)}`);
  }
  for (let i = 0; i < expected.data.length; i++) {
    const close = isFloat(expected)
      ? isClose(actual.data[i], expected.data[i], tolerance)
      : actual.data[i] === expected.data[i];
    if (!close) {
      throw new Error(`${label}[${i}] of ${show(expected)} is ${actual.data[i]}, the reference ${expected.data[i]}`);
    }
  }
}

/** The backend as if it ran no composite natively. */
export function decomposing(backend: Backend): Pick<Backend, "name" | "runs"> {
  return { name: backend.name, runs: (node) => !isComposite(node.op) && backend.runs(node) };
}

/** A graph that only computes. */
export function graphOf({ fetches }: Pick<Trial, "fetches">): Graph {
  return { fetches, updates: [] };
}

/** The program that `backend` runs for a graph. */
export async function programOf(
  backend: Pick<Backend, "name" | "runs" | "prepare">,
  graph: Graph,
  capacities: Readonly<Record<string, number>> = {},
): Promise<Program> {
  return bind(await lowerFor(graph, backend, [hoist, hoistTrees, joinPads]), capacities);
}

/** Lowers, binds and compiles a graph in a session of its own; hands it to `use`, then disposes. */
export async function withExecutable(
  backend: Backend,
  { graph, capacities = {}, state = {} }: { graph: Graph; capacities?: Trial["capacities"]; state?: Tensors },
  use: (executable: Executable, session: Session) => Promise<void>,
): Promise<void> {
  await using session = await backend.open(state);
  await use(await session.compile(await programOf(backend, graph, capacities)), session);
}

/** Runs trials, and their gradients, in one session, and compares everything with the reference. */
export async function expectTrials(
  backend: Backend,
  trials: Iterable<Trial>,
  tolerance = forwardTolerance,
): Promise<void> {
  await using session = await backend.open({});
  let count = 0;
  for (const trial of trials) {
    const { fetches, feeds, capacities } = withGradients(trial);
    const gradients = new Set(Object.keys(trial.inputs).map(gradientName));
    const graph = graphOf({ fetches });
    const executable = await session.compile(await programOf(backend, graph, capacities));
    const expected = evaluate(graph, feeds).fetches;
    const actual = await executable.run(feeds);
    count += 1;
    for (const [name, value] of Object.entries(expected)) {
      const allowed = gradients.has(name) ? gradientTolerance : tolerance;
      expectClose(actual[name], value, `trial ${count}: ${name}`, allowed);
    }
  }
}
