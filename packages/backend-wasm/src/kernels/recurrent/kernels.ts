/** The two kernels of a recurrence, from what sets it apart: rows are sorted here, everything else happens in the module. */
import type { Call, Kernel, RecurrentCall, RecurrentGradCall } from "@ostinato/backend-cpu";
import { gradOf, type RecurrenceAttrs, type RecurrenceName, recurrenceInputs } from "@ostinato/core";
import type { WasmMemory } from "../../memory.ts";
import type { Job } from "../../protocol.ts";
import {
  type ForwardRoom,
  forwardLayout,
  type GradRoom,
  gradBytes,
  gradLayout,
  isLarge,
  layoutBytes,
  scratchOf,
  setForward,
  setGrad,
  setPacking,
} from "./layout.ts";

/** The recurrences that the module has jobs for. */
type NativeName = Extract<Job, RecurrenceName>;
type Grad<R extends NativeName> = `${R}Grad`;

/** The inputs that are packed. */
const packedRoles: readonly string[] = ["W", "R", "B", "recurrentBias"];

/** What sets a recurrence apart from the others. */
export interface RecurrentTraits<R extends NativeName> {
  readonly gates: number;
  readonly supports: (attrs: RecurrenceAttrs<R>) => boolean;
  readonly forwardRoom: (call: Call<R>) => ForwardRoom;
  readonly gradRoom: (call: Call<Grad<R>>) => GradRoom;
  /** Writes the arguments that only this recurrence has. */
  readonly setForward: (memory: WasmMemory, call: Call<R>) => void;
  readonly setGrad: (memory: WasmMemory, call: Call<Grad<R>>) => void;
}

/** The kernels by op, for so many threads. */
export function recurrentKernels<R extends NativeName>(
  name: R,
  traits: RecurrentTraits<R>,
  threads: number,
): { readonly [O in R | Grad<R>]: Kernel<O> } {
  const { gates, supports } = traits as unknown as RecurrentTraits<NativeName>;
  const own = traits as unknown as {
    forwardRoom(call: RecurrentCall): ForwardRoom;
    gradRoom(call: RecurrentGradCall): GradRoom;
    setForward(memory: WasmMemory, call: RecurrentCall): void;
    setGrad(memory: WasmMemory, call: RecurrentGradCall): void;
  };
  const grad: Grad<NativeName> = gradOf(name);
  const forward = {
    supports,
    packing: {
      inputs: ({ attrs }: RecurrentCall): readonly number[] =>
        [...recurrenceInputs, ...attrs.options].flatMap((role, i) => (packedRoles.includes(role) ? [i] : [])),
      bytes: (call: RecurrentCall): number => 4 * own.forwardRoom(call).weights,
      run(memory: WasmMemory, call: RecurrentCall): void {
        setPacking(memory, call, forwardLayout(call, 1, own.forwardRoom(call)));
        own.setForward(memory, call);
        memory.run(name, true);
      },
    },
    scratch: (call: RecurrentCall): number =>
      scratchOf(call, threads, (team) => layoutBytes(forwardLayout(call, team, own.forwardRoom(call)))),
    run(memory: WasmMemory, call: RecurrentCall): void {
      const together = isLarge(call, gates);
      setForward(name, memory, call, forwardLayout(call, together ? memory.threads : 1, own.forwardRoom(call)));
      own.setForward(memory, call);
      memory.run(name, together);
    },
  };
  const backward = {
    supports,
    scratch: (call: RecurrentGradCall): number =>
      scratchOf(call, threads, (team) => gradBytes(gradLayout(call, team, own.gradRoom(call)))),
    run(memory: WasmMemory, call: RecurrentGradCall): void {
      const together = isLarge(call, gates);
      const room = own.gradRoom(call);
      setGrad(grad, memory, call, gradLayout(call, together ? memory.threads : 1, room), room);
      own.setGrad(memory, call);
      memory.run(grad, together);
    },
  };
  return { [name]: forward, [grad]: backward } as unknown as { readonly [O in R | Grad<R>]: Kernel<O> };
}
