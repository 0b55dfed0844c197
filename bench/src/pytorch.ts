/** PyTorch as a peer, where Debian's python3-torch is installed: a process that runs one step for each line it reads. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { sizes } from "./sentiment.ts";

export interface Pytorch {
  /** Its version, and the library it multiplies with. */
  readonly name: string;
  /** Milliseconds of one step by its own clock, over a batch of full length. */
  measure(step: "train" | "predict", threads: number): Promise<number>;
  stop(): void;
}

/** Undefined, with a line that says why, where it does not start. */
export async function startPytorch(say: (line: string) => void): Promise<Pytorch | undefined> {
  const child = spawn("/usr/bin/python3", [join(import.meta.dirname, "..", "peers", "pytorch.py")]);
  const errors: string[] = [];
  child.stderr.on("data", (text: Buffer) => errors.push(text.toString()));
  child.on("error", (error) => errors.push(error.message));
  // That it ended is seen by what it does not answer.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hello = await ask(child, lines, sizes);
  if (hello === undefined) {
    say(`PyTorch is left out: ${errors.join("").trim().split("\n").at(-1)}`);
    return undefined;
  }
  const { version, blas } = hello as { version: string; blas: readonly string[] };
  if (!blas.some((name) => name.includes("openblas"))) {
    say(`PyTorch multiplies with ${blas.join(", ")}; with libopenblas0-pthread it is several times faster.`);
  }
  return {
    name: `PyTorch ${version}, ${blas.find((name) => name.includes("openblas")) ?? blas.join(", ")}`,
    async measure(step, threads) {
      const answer = await ask(child, lines, { case: step, threads });
      if (answer === undefined) throw new Error(`PyTorch ended: ${errors.join("")}`);
      return (answer as { milliseconds: number }).milliseconds;
    },
    stop: () => void child.kill(),
  };
}

/** The answer to a line; undefined where the process has ended. */
async function ask(
  child: ChildProcessWithoutNullStreams,
  lines: AsyncIterator<string>,
  request: object,
): Promise<unknown> {
  child.stdin.write(`${JSON.stringify(request)}\n`);
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
}
