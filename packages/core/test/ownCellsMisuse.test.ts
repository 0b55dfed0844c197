/** Mistakes in cells of one's own, and in what `rnn` is given: one typed error that names the cell and what it must be. */
import {
  type BuildContext,
  bidirectional,
  defineCell,
  feed,
  input,
  lstm,
  model,
  rnn,
  sequential,
} from "@ostinato/core";
import { cast, full, mul } from "@ostinato/core/graph";
import { describe, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";
import { decay, readUnits } from "./ownKinds.ts";

const x = () => input({ shape: ["time", 3], name: "x", lengths: true });

/** A cell whose parts are given. */
const brokenCell = (build: unknown, more: object = {}) =>
  defineCell({
    kind: "broken",
    parse: readUnits,
    states: ["h"],
    sizes: ({ units }) => ({ h: units }),
    build: untyped(build),
    ...more,
  });
const run = (build: unknown, more?: object, options?: object) => {
  const words = x();
  return () => model(words, rnn(brokenCell(build, more)({ units: 2 }), options as { reverse: boolean })(words));
};
const kept = ({ states }: { states: object }) => ({ states });
const stepOf = (step: unknown) => () => ({ step });

const misuses: readonly Misuse[] = [
  ["no cell", () => rnn(untyped(undefined)), "ConfigError", "rnn: cell takes a cell", "undefined"],
  ["no cell in the list", () => rnn(untyped([])), "ConfigError", "rnn: cell"],
  [
    "a layer for a cell",
    () => rnn([decay({ units: 1 }), untyped(lstm({ units: 2 }))]),
    "ConfigError",
    'rnn: cell 1 takes a cell, which comes from what defineCell made, got the layer "lstm"; a layer needs no rnn around it',
  ],
  [
    "what makes cells for a cell",
    () => rnn(untyped(decay)),
    "ConfigError",
    "rnn: cell takes a cell",
    "got what makes cells, which is to be called: decay({ … })",
  ],
  [
    "what makes a layer of the library for a cell",
    () => rnn(untyped(lstm)),
    "ConfigError",
    "got a function; what makes layers and cells is to be called with their options",
  ],
  [
    "a definition for a cell",
    () => rnn(untyped({ kind: "bare", parse: readUnits, states: ["h"], sizes: () => ({ h: 1 }), build: stepOf(kept) })),
    "ConfigError",
    'rnn: cell takes a cell, which comes from what defineCell made, got plain data of the kind "bare"',
  ],
  [
    "a copy of a cell",
    () => rnn([decay({ units: 1 }), untyped({ ...decay({ units: 1 }) })]),
    "ConfigError",
    'rnn: cell 1 takes a cell, which comes from what defineCell made, got plain data of the kind "decay"',
  ],
  [
    "a cell in a chain",
    () => sequential([x(), untyped(decay({ units: 1 }))]),
    "ConfigError",
    'sequential takes layers, got the cell "decay"; rnn makes a layer of it: rnn(decay({ … }))',
  ],
  [
    "what makes cells in a chain",
    () => sequential([x(), untyped(decay)]),
    "ConfigError",
    "sequential takes layers, got what makes cells, which is to be called: decay({ … })",
  ],
  [
    "what makes cells in both directions",
    () => bidirectional(untyped(decay)),
    "ConfigError",
    "bidirectional: layer takes a layer, got what makes cells, which is to be called: decay({ … })",
  ],
  [
    "the states of a recurrence as outputs",
    () => {
      const words = x();
      return model(words, untyped(rnn([decay({ units: 1 }), decay({ units: 1 })], { returnState: true })(words)));
    },
    "ConfigError",
    "a list; name each: { output, h0, m0, h1, m1 }",
  ],
  [
    "goBackwards",
    () => rnn(decay({ units: 1 }), untyped({ goBackwards: true })),
    "ConfigError",
    'rnn has no option "goBackwards"; write reverse: true, with which outputs stay in their places',
  ],
  [
    "options of rnn that are none",
    () => rnn(decay({ units: 1 }), untyped(true)),
    "ConfigError",
    "rnn takes a cell and an object of options",
  ],
  [
    "a size that is none",
    run(
      stepOf(() => ({})),
      { sizes: () => ({ h: 0 }) },
    ),
    "ConfigError",
    "sizes must give a whole number from 1 on for the state h, got 0",
  ],
  [
    "a size of no state",
    run(stepOf(kept), { sizes: () => ({ h: 1, g: 1 }) }),
    "ConfigError",
    'unknown key "g" in what sizes of broken gives; known are h',
  ],
  [
    "a part of a cell that there is not",
    run(() => ({ step: kept, prepares: () => 1 })),
    "ConfigError",
    'rnn "rnn": its cell broken: unknown key "prepares" in what build gives; known are prepare, initial, step',
  ],
  [
    "a state to begin with that there is not",
    run(() => ({ step: kept, initial: { g: full(0, [2]) } })),
    "ConfigError",
    'rnn "rnn": its cell broken: unknown key "g" in initial; known are h',
  ],
  [
    "states to begin with that are none",
    run(() => ({ step: kept, initial: 0 })),
    "ConfigError",
    "initial must be { h } or some of them, got 0",
  ],
  [
    "a misspelt output",
    run(stepOf(({ states }: { states: object }) => ({ states, ouput: 1 }))),
    "ConfigError",
    'unknown key "ouput" in what step gives; known are states, output',
  ],
  ["no step", run(() => ({})), "ConfigError", 'rnn "rnn": its cell broken: build must give { step }'],
  [
    "a step that gives nothing",
    run(stepOf(() => undefined)),
    "ConfigError",
    "step must give { states: { h } }, got undefined",
  ],
  [
    "a state that is left out",
    run(stepOf(() => ({ states: {} }))),
    "ConfigError",
    "the state h that step gives must be a value of a graph, got undefined",
  ],
  [
    "a state that there is not",
    run(stepOf(({ states }: { states: { h: never } }) => ({ states: { h: states.h, c: states.h } }))),
    "ConfigError",
    'unknown key "c" in the states that step gives; known are h',
  ],
  [
    "a state of another size",
    run(stepOf(({ x }: { x: never }) => ({ states: { h: x } }))),
    "ShapeError",
    'rnn "rnn": its cell broken: the state h that step gives must be float32[batch, 2], it is float32[batch, 3]',
  ],
  [
    "a state of whole numbers",
    run(stepOf(({ states: { h } }: { states: { h: never } }) => ({ states: { h: cast(h, "int32") } }))),
    "ShapeError",
    'rnn "rnn": its cell broken: the state h that step gives must be float32[batch, 2], it is int32[batch, 2]',
  ],
  [
    "a parameter of two shapes",
    run(({ parameter }: BuildContext) => {
      parameter("w", [2], "zeros");
      return { step: () => ({ states: { h: parameter("w", [3], "zeros") } }) };
    }),
    "ShapeError",
    'rnn "rnn": its cell broken: the parameter "rnn/w" is [2], and was asked for as [3]',
  ],
  [
    "an output over time",
    run(stepOf(({ states }: { states: { h: never } }) => ({ states, output: full(0, ["time", "batch", 2]) }))),
    "ShapeError",
    "the output that step gives must be [batch, features]",
  ],
  [
    "steps that prepare put elsewhere",
    run(() => ({ prepare: () => full(0, ["batch", "time", 2]), step: () => ({}) })),
    "ShapeError",
    "what prepare gives must begin with [time, batch]",
  ],
  [
    "a step that reads a feed",
    run(
      stepOf(({ states: { h } }: { states: { h: never } }) => ({
        states: { h: mul(h, feed("gain", "float32", [2])) },
      })),
    ),
    "ConfigError",
    'build reads the feed "gain"',
  ],
  [
    "a state to begin with of another size",
    () => {
      const [words, h] = [x(), input({ shape: [4], name: "h" })];
      return model([words, h], rnn(decay({ units: 2 }))(words, { initialState: [h, h] }));
    },
    "ShapeError",
    "initialState h must be [batch, 2], it was given [batch, 4]",
  ],
  [
    "a learned state of another size",
    run(() => ({ initial: { h: full(0, [3]) }, step: () => ({}) })),
    "ShapeError",
    "float32[3] does not broadcast to [batch, 2]",
  ],
  [
    "traits of a parameter",
    run(({ parameter }: BuildContext) => ({ step: parameter("w", [1], "zeros", untyped({ trainble: false })) })),
    "ConfigError",
    'rnn "rnn": its cell broken: the parameter "rnn/w" has no option "trainble"; it takes trainable, regularizer',
  ],
];

describe("wrong use", () => {
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});
