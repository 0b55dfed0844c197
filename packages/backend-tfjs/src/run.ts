/** A run of a program: the tensors that its steps read and make. */
import type { Tensor } from "@ostinato/core";
import type { Device } from "./device.ts";
import type { Plan } from "./plan.ts";
import type { TensorInfo } from "./tfjs.ts";

/** The tensors of a run by the number of their value. Each slot holds a tensor of its own, even where two share data. */
export type Slots = (TensorInfo | undefined)[];

/** What was fed: its data need not be read back from the device. */
export interface Fed {
  readonly name: string;
  readonly data: Tensor["data"];
}

export interface Run {
  readonly device: Device;
  readonly plan: Plan;
  readonly slots: Slots;
  /** By the number of its value. */
  readonly fed: ReadonlyMap<number, Fed>;
}

export function read({ slots }: Run, number: number): TensorInfo {
  return slots[number] as TensorInfo;
}

export function drop({ device, slots }: Pick<Run, "device" | "slots">, number: number): void {
  const x = slots[number];
  if (x === undefined) return;
  device.release(x);
  slots[number] = undefined;
}
