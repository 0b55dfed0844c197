/** The learning rate of a step. */
import { ConfigError } from "../errors.ts";
import type { LearningRate, Schedule } from "./schedules.ts";

/** A straight line, or half a cosine, from `start` to `end`. */
function anneal(strategy: "cos" | "linear", start: number, end: number, share: number): number {
  return strategy === "linear"
    ? start + (end - start) * share
    : end + ((start - end) / 2) * (1 + Math.cos(Math.PI * share));
}

/** PyTorch's OneCycleLR: phases between rates, each up to its last step. */
function oneCycleAt(schedule: Extract<Schedule, { kind: "oneCycle" }>, step: number): number {
  const { maxLearningRate, totalSteps, pctStart, annealStrategy, divFactor, finalDivFactor, threePhase } = schedule;
  const initial = maxLearningRate / divFactor;
  const final = initial / finalDivFactor;
  const top = pctStart * totalSteps - 1;
  const phases = threePhase
    ? [
        { end: top, from: initial, to: maxLearningRate },
        { end: 2 * pctStart * totalSteps - 2, from: maxLearningRate, to: initial },
        { end: totalSteps - 1, from: initial, to: final },
      ]
    : [
        { end: top, from: initial, to: maxLearningRate },
        { end: totalSteps - 1, from: maxLearningRate, to: final },
      ];
  const at = Math.min(step, totalSteps - 1);
  let start = 0;
  for (const { end, from, to } of phases) {
    if (at <= end) return anneal(annealStrategy, from, to, end > start ? (at - start) / (end - start) : 1);
    start = end;
  }
  return final;
}

function polynomialAt(schedule: Extract<Schedule, { kind: "polynomialDecay" }>, step: number): number {
  const { initialLearningRate, decaySteps, endLearningRate, power, cycle } = schedule;
  const over = cycle ? decaySteps * Math.max(1, Math.ceil(step / decaySteps)) : decaySteps;
  return (initialLearningRate - endLearningRate) * (1 - Math.min(step, over) / over) ** power + endLearningRate;
}

function cosineAt(schedule: Extract<Schedule, { kind: "cosineDecay" }>, step: number): number {
  const { initialLearningRate, decaySteps, alpha, warmupTarget, warmupSteps } = schedule;
  if (warmupTarget !== null && step < warmupSteps)
    return initialLearningRate + ((warmupTarget - initialLearningRate) * step) / warmupSteps;
  const share = Math.min(step - warmupSteps, decaySteps) / decaySteps;
  return (warmupTarget ?? initialLearningRate) * ((1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * share)) + alpha);
}

/**
 * The learning rate of a step, in double precision, a finite number from 0 on. `step` counts from 0.
 *
 * @throws ConfigError where the schedule gives anything else, as a rate that grows without bound does at last
 *
 * @example learningRateAt(exponentialDecay({ initialLearningRate: 0.1, decaySteps: 100, decayRate: 0.5 }), 200) // 0.025
 */
export function learningRateAt(schedule: LearningRate, step: number): number {
  const rate = rateOf(schedule, step);
  if (rate >= 0 && rate < Number.POSITIVE_INFINITY) return rate;
  const kind = typeof schedule === "number" ? "it" : `its schedule, ${schedule.kind},`;
  throw new ConfigError(`the learning rate must be a number from 0 on; ${kind} gives ${rate} for step ${step}`);
}

function rateOf(schedule: LearningRate, step: number): number {
  if (typeof schedule === "number") return schedule;
  switch (schedule.kind) {
    case "piecewiseConstant": {
      const index = schedule.boundaries.findIndex((boundary) => step <= boundary);
      return schedule.values.at(index) as number;
    }
    case "exponentialDecay":
    case "inverseTimeDecay": {
      const { kind, initialLearningRate, decaySteps, decayRate, staircase } = schedule;
      const share = staircase ? Math.floor(step / decaySteps) : step / decaySteps;
      return kind === "exponentialDecay"
        ? initialLearningRate * decayRate ** share
        : initialLearningRate / (1 + decayRate * share);
    }
    case "polynomialDecay":
      return polynomialAt(schedule, step);
    case "cosineDecay":
      return cosineAt(schedule, step);
    case "oneCycle":
      return oneCycleAt(schedule, step);
    case "warmup": {
      const { initialLearningRate: initial, warmupSteps, schedule: inner } = schedule;
      if (step >= warmupSteps) return rateOf(inner, step - warmupSteps);
      return initial + ((rateOf(inner, 0) - initial) * step) / warmupSteps;
    }
  }
}
