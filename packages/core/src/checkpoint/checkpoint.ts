/** Checkpoints: a training stopped between two steps, as plain data from which it goes on exactly. */
import { ConfigError, ModelFileError } from "../errors.ts";
import { isRecord, type Json, shown } from "../nn/options.ts";
import type { Tensors } from "../tensor.ts";
import type { EpochEvent } from "../train/evaluation/events.ts";

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

/** A training between two steps, as plain data: `fit` with `resume` goes on from it. */
export interface Checkpoint {
  readonly settings: Settings;
  readonly position: Position;
  /** Parameters, optimizer slots and counters. */
  readonly state: Tensors;
  readonly callbacks: { readonly [name: string]: Json };
  /** What callbacks keep as tensors, as `callback/name`. */
  readonly callbackTensors: Tensors;
}

/** Each difference between two settings, as `batchSize was 32, is 64`. It goes no deeper than `is`, whatever a file has. */
function differences(was: unknown, is: Json | undefined, path: string): string[] {
  if (isRecord(was) && isRecord(is)) {
    const names = new Set([...Object.keys(is), ...Object.keys(was)]);
    return [...names].flatMap((name) =>
      differences(own(was, name), own(is, name) as Json | undefined, path === "" ? name : `${path}.${name}`),
    );
  }
  if (Array.isArray(was) && Array.isArray(is)) {
    if (was.length === is.length) return is.flatMap((item, i) => differences(was[i], item, `${path}[${i}]`));
    if (is.some((item) => typeof item === "object")) return [`${path} had ${was.length} items, has ${is.length}`];
  } else if (was === is) return [];
  return [`${path} was ${shown(was)}, is ${shown(is)}`];
}

function own(record: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** More than these are not listed. */
const MOST_DIFFERENCES = 8;

/** @throws ConfigError that names each difference */
export function checkSettings(was: Settings, is: Settings): void {
  const found = differences(was, is, "");
  if (found.length === 0) return;
  const more = found.length > MOST_DIFFERENCES ? `; and ${found.length - MOST_DIFFERENCES} more` : "";
  throw new ConfigError(`cannot go on from this checkpoint: ${found.slice(0, MOST_DIFFERENCES).join("; ")}${more}`);
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

const isAmount = (value: number): boolean => value >= 0 && Number.isFinite(value);

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
  const learningRate = numberOf(data.learningRate);
  const seconds = numberOf(data.seconds);
  if (!isAmount(learningRate) || !isAmount(seconds)) throw damaged();
  const history = listOf(data.history, epochEventOf);
  if (history.length !== epoch || history.some((event, i) => event.epoch !== i + 1)) throw damaged();
  return {
    epoch,
    step,
    iteration,
    orders,
    learningRate,
    seconds,
    sums: listOf(data.sums, (sums) => listOf(sums, numberOf)),
    history,
    ...(stopped === undefined ? {} : { stopped }),
  };
}
