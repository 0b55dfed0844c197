/** A backend that computes nothing: what training does beside it can be counted, timed and weighed. */
import type { Backend, Program, Tensor, Tensors } from "@ostinato/core";
import { zeros } from "@ostinato/core";

/** What is told of a session. */
export interface Heard {
  open?(state: Tensors): void;
  compile?(program: Program): void;
  run?(feeds: Tensors): void;
}

const copied = ({ dtype, shape, data }: Tensor): Tensor => ({ dtype, shape, data: data.slice() }) as Tensor;

/** Answers each run with ones, copies its state as any backend does, and gets the programs that `like` would get: default all composites as they are. */
export function idle(heard: Heard, like: Pick<Backend, "runs" | "runsPlainly"> = { runs: () => true }): Backend {
  return {
    ...like,
    name: "idle",
    async open(state) {
      heard.open?.(state);
      return {
        async compile(program) {
          heard.compile?.(program);
          const answers: Record<string, Tensor> = {};
          for (const { name, value } of program.fetches) {
            const { dtype = "float32", shape = [] } = program.values[value] ?? {};
            const fixed = shape.filter((size) => typeof size === "number");
            answers[name] = zeros(dtype, fixed);
            answers[name].data.fill(1);
          }
          return {
            async run(feeds) {
              heard.run?.(feeds);
              return answers;
            },
          };
        },
        readState: async (names = Object.keys(state)) =>
          Object.fromEntries(names.map((name) => [name, copied(state[name] as Tensor)])),
        writeState: async () => {},
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}
