/** A backend that computes nothing: it tells what it would run, and what it is fed. */
import { type Backend, float32, type Program, type Tensors, zeros } from "@ostinato/core";

export interface Listening {
  /** Which ops run natively. Default all. */
  readonly runs?: Backend["runs"];
  readonly compiled?: (program: Program) => void;
  readonly fed?: (feeds: Tensors) => void;
}

/** A backend that answers everything with ones. */
export function listener({ runs = () => true, compiled, fed }: Listening = {}): Backend {
  return {
    name: "listener",
    runs,
    async open(state) {
      return {
        async compile(program) {
          compiled?.(program);
          const answers = program.fetches.map(({ name, value }) => {
            const { dtype, shape } = program.values[value] as (typeof program.values)[number];
            const answer = zeros(
              dtype,
              shape.filter((size) => typeof size === "number"),
            );
            answer.data.fill(1);
            return [name, answer] as const;
          });
          return {
            async run(feeds) {
              fed?.(feeds);
              return Object.fromEntries(answers);
            },
          };
        },
        readState: async (names = Object.keys(state)) => {
          return Object.fromEntries(names.map((name) => [name, state[name] ?? float32([0], [])]));
        },
        writeState: async () => {},
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}
