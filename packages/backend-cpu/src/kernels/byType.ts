/** Kernels for either kind of number, chosen by the data type of the first operand. */
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";

type Run = (memory: Memory, call: Call) => void;

export function byType(float: Run, int: Run): { run: Run } {
  return {
    run: (memory, call) => (call.inputs[0].dtype === "float32" ? float(memory, call) : int(memory, call)),
  };
}
