/** Checkpoints: a training stopped between two steps, as plain data from which it goes on exactly. */
import { ConfigError, ModelFileError } from "../errors.ts";
import { isRecord, type Json, shown } from "../nn/options.ts";
import type { Tensors } from "../tensor.ts";
import type { EpochEvent } from "../train/events.ts";

/** Where a `fit` stands. */
export interface Position {
  /** Epochs finished. */
  readonly epoch: number;
  /** Steps made in the epoch that is running. */
  readonly step: number;
  /** Steps made in all, over every `fit` of the trainer. */
  readonly iteration: number;
  /** Orders of rows drawn before the running epoch: the next is drawn from the seed and this. */
  readonly orders: number;
  readonly learningRate: number;
  /** Seconds that the running epoch has taken. */
  readonly seconds: number;
  /** The sums of the loss and of each metric over the running epoch. */
  readonly sums: readonly (readonly number[])[];
  readonly history: readonly EpochEvent[];
  /** Why a callback ended training. */
  readonly stopped?: string;
}

/** What must be the same when training goes on: the model, the objective, and how rows become batches. */
export type Settings = { readonly [name: string]: Json };

export interface Checkpoint {
  readonly settings: Settings;
  readonly position: Position;
  /** Parameters, optimizer slots and counters. */
  readonly state: Tensors;
  readonly callbacks: { readonly [name: string]: Json };
  /** What callbacks keep as tensors, as `callback/name`. */
  readonly callbackTensors: Tensors;
}

/** Each difference between two settings, as `batchSize was 32, is 64`. */
function differences(was: Json | undefined, is: Json | undefined, path: string): string[] {
  if (isRecord(was) && isRecord(is)) {
    const names = new Set([...Object.keys(was), ...Object.keys(is)]);
    return [...names].flatMap((name) =>
      differences(was[name] as Json, is[name] as Json, path === "" ? name : `${path}.${name}`),
    );
  }
  if (Array.isArray(was) && Array.isArray(is) && was.length === is.length) {
    return was.flatMap((item, i) => differences(item as Json, is[i] as Json, `${path}[${i}]`));
  }
  return JSON.stringify(was) === JSON.stringify(is)
    ? []
    : [`${path} was ${shown(JSON.stringify(was))}, is ${shown(JSON.stringify(is))}`];
}

/** @throws ConfigError that names each difference */
export function checkSettings(was: Settings, is: Settings): void {
  const found = differences(was, is, "");
  if (found.length > 0) throw new ConfigError(`cannot go on from this checkpoint: ${found.join("; ")}`);
}

/** JSON has no word for numbers that are not finite; here they are strings. */
const specialNumbers = ["NaN", "Infinity", "-Infinity"];

/** The JSON text of a position. */
export function positionToJson(position: Position): string {
  return JSON.stringify(position, (_key, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
}

function numberFrom(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return specialNumbers.includes(value as string) ? Number(value) : undefined;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function damaged(): ModelFileError {
  return new ModelFileError("the checkpoint is damaged: its position does not make sense");
}

function numberOf(value: unknown): number {
  const number = numberFrom(value);
  if (number === undefined) throw damaged();
  return number;
}

function listOf<T>(data: unknown, item: (data: unknown) => T): T[] {
  if (!Array.isArray(data)) throw damaged();
  return data.map(item);
}

function epochEventOf(data: unknown): EpochEvent {
  if (!isRecord(data) || !isCount(data.epoch) || !isCount(data.epochs)) throw damaged();
  const logs = Object.entries(data).map(([name, value]) => [name, numberOf(value)]);
  return { ...Object.fromEntries(logs), epoch: data.epoch, epochs: data.epochs, seconds: numberOf(data.seconds) };
}

/** A position from JSON of unknown origin. @throws ModelFileError */
export function parsePosition(data: unknown): Position {
  if (!isRecord(data)) throw damaged();
  const { epoch, step, iteration, orders, stopped } = data;
  if (!isCount(epoch) || !isCount(step) || !isCount(iteration) || !isCount(orders)) throw damaged();
  if (stopped !== undefined && typeof stopped !== "string") throw damaged();
  return {
    epoch,
    step,
    iteration,
    orders,
    learningRate: numberOf(data.learningRate),
    seconds: numberOf(data.seconds),
    sums: listOf(data.sums, (sums) => listOf(sums, numberOf)),
    history: listOf(data.history, epochEventOf),
    ...(stopped === undefined ? {} : { stopped }),
  };
}
