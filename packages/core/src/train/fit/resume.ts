/** Whether a training can go on from a checkpoint: the same settings, and everything in it that has to be. */
import type { Session } from "../../backend.ts";
import {
  type Checkpoint,
  checkSettings,
  type Position,
  parsePosition,
  type Settings,
} from "../../checkpoint/checkpoint.ts";
import { ConfigError, ModelFileError } from "../../errors.ts";
import { FRESH } from "../../nn/carried.ts";
import { isRecord, type Json, shown } from "../../nn/options.ts";
import type { Tensors } from "../../tensor.ts";
import type { Callback } from "../callbacks/callback.ts";
import { checkColumns } from "../data/digest.ts";
import { summedFetches } from "../evaluation/running.ts";
import { evaluationGraph, STEP } from "../objective/graphs.ts";
import type { CarriedStates } from "../session/carriedStates.ts";
import type { TrainerContext } from "../session/context.ts";
import { batchesAfter, type FitPlan } from "./fitOptions.ts";

const damaged = (what: string): ModelFileError => new ModelFileError(`the checkpoint is damaged: ${what}`);

/** A checkpoint may come from a file of any origin, or from a user's own hands. */
function expectCheckpoint(given: unknown): asserts given is Checkpoint {
  const parts = ["settings", "position", "state", "callbacks", "callbackTensors"];
  if (!isRecord(given) || !parts.every((part) => isRecord(given[part])))
    throw new ConfigError(
      `fit: resume must be a checkpoint, such as checkpointFromBytes(…) or loadCheckpoint(path) gives, got ${shown(given)}`,
    );
}

/** Further in the data than these have steps, or in epochs that are not asked for. */
function expectPlace({ epoch, step, orders }: Position, seed: number, plan: FitPlan): void {
  const { epochs, batches } = plan;
  const begun = step > 0 ? epoch + 1 : epoch;
  if (begun > epochs)
    throw new ConfigError(
      `cannot go on from this checkpoint: it is in epoch ${begun}, of ${epochs} now asked for; give epochs: ${begun} or more`,
    );
  const steps = batchesAfter(seed, plan, orders)?.ends.length ?? batches?.stepsPerEpoch;
  if (steps !== undefined && step > steps) throw damaged(`it has made ${step} steps of an epoch that has ${steps}`);
}

function expectSums({ sums, step }: Position, { spec, objective, outputs }: TrainerContext): void {
  const { fetches } = evaluationGraph(spec, objective);
  const names = summedFetches(outputs);
  const right = names.every((name, i) => {
    const size = (fetches[name]?.type.shape ?? []).reduce<number>((product, dim) => product * Number(dim), 1);
    const length = sums[i]?.length;
    return length === size || (length === 0 && step === 0);
  });
  if (!right || sums.length !== names.length) throw damaged("its sums are not those of the loss and the metrics");
}

type Forms = ReturnType<CarriedStates["forms"]>;

/** States that go on, as this training has them between two steps; none where there was no step yet. */
function carriedFor({ states }: TrainerContext, { rows, batchSize }: FitPlan, { state, position }: Checkpoint): Forms {
  const given = state[FRESH]?.shape[0];
  if (states === undefined || (given === undefined && position.epoch === 0 && position.step === 0)) return {};
  const count = rows ? Math.min(batchSize, rows.order.length) : given;
  return states.training.forms(count ?? 1);
}

async function expectState(state: Tensors, session: Session, carried: Forms, iteration: number): Promise<void> {
  const held: Forms = { ...(await session.readState()), ...carried };
  for (const name of Object.keys(state))
    if (!Object.hasOwn(held, name)) throw damaged(`this training has no state "${name.slice(0, 100)}"`);
  for (const [name, { dtype, shape }] of Object.entries(held)) {
    const given = Object.hasOwn(state, name) ? state[name] : undefined;
    if (given === undefined) throw damaged(`its state "${name}" is missing`);
    // Of another backend it may have another precision.
    const alike = given.dtype.startsWith("float") === dtype.startsWith("float") && given.shape.join() === shape.join();
    if (!alike || (given.dtype === "bool") !== (dtype === "bool"))
      throw damaged(`its state "${name}" is ${given.dtype}[${given.shape}], not ${dtype}[${shape}]`);
  }
  if (state[STEP]?.data[0] !== iteration) throw damaged("its position and its state are not of the same step");
}

function expectCallbacks(keepers: readonly Callback[], kept: Checkpoint["callbacks"]): void {
  const missing = keepers.find(({ name }) => !Object.hasOwn(kept, name));
  if (missing) throw damaged(`what ${missing.name} kept is missing`);
}

/**
 * The position of a checkpoint from which `plan` can go on.
 *
 * @throws ConfigError where it is of another training, with each difference; ModelFileError where it is damaged
 */
export async function readyToResume(
  context: TrainerContext,
  plan: FitPlan,
  settings: Settings,
  given: unknown,
): Promise<{ readonly checkpoint: Checkpoint; readonly position: Position }> {
  expectCheckpoint(given);
  const { columns: columnsWere, ...were } = given.settings;
  const { columns, ...are } = settings;
  checkSettings(were, are);
  checkColumns(columnsWere, columns as { readonly [label: string]: Json });
  const position = parsePosition(given.position);
  expectPlace(position, context.seed, plan);
  expectSums(position, context);
  expectCallbacks(plan.callbacks.keepers, given.callbacks);
  const carried = carriedFor(context, plan, { ...given, position });
  await expectState(given.state, context.session, carried, position.iteration);
  return { checkpoint: given, position };
}
