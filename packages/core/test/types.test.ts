/** What the compiler must refuse: each line below is an error of types, checked by `tsc`, and a typed error where it is run all the same. */
import {
  bidirectional,
  crf,
  ctc,
  defineLoss,
  dense,
  dropout,
  embedding,
  gru,
  input,
  lstm,
  type MergeMode,
  model,
  quantileLoss,
  rnn,
  type Symbolic,
  sequential,
  simpleRnn,
} from "@ostinato/core";
import { expect, expectTypeOf, test } from "vitest";
import { decay } from "./ownKinds.ts";

const embed = () => embedding({ inputDim: 9, outputDim: 4 });
const head = () => dense({ units: 1, activation: "sigmoid" });

test("a chain takes layers in an order that fits", () => {
  sequential([embed(), lstm({ units: 2 }), head()]);
  sequential([embed(), lstm({ units: 2, returnSequences: true }), dropout({ rate: 0.5 }), lstm({ units: 2 }), head()]);
  sequential([embed(), head()]);
  sequential([input({ shape: ["time", 3] }), lstm({ units: 2 })]);
  sequential([input({ shape: [3] }), dropout({ rate: 0.5 }), head()]);

  // @ts-expect-error an lstm after one that gives only its last state
  expect(() => sequential([embed(), lstm({ units: 2 }), lstm({ units: 2 })])).toThrow("returnSequences");
  // @ts-expect-error the same, said outright
  expect(() => sequential([embed(), lstm({ units: 2, returnSequences: false }), lstm({ units: 2 })])).toThrow("lstm");
  // @ts-expect-error dense on ids
  expect(() => sequential([head()])).toThrow("embedding");
  // @ts-expect-error lstm on ids
  expect(() => sequential([lstm({ units: 2 })])).toThrow("embedding");
  // @ts-expect-error an embedding of features
  expect(() => sequential([input({ shape: [3] }), embed()])).toThrow("ids");
  // @ts-expect-error an lstm over features
  expect(() => sequential([input({ shape: [3] }), lstm({ units: 2 })])).toThrow("sequence");
  // @ts-expect-error pointwise layers pass on what they are given
  expect(() => sequential([embed(), lstm({ units: 2 }), dropout({ rate: 0 }), lstm({ units: 2 })])).toThrow("lstm");
});

test("layers take what they can be applied to", () => {
  const words = input({ shape: ["time"] });
  const states = lstm({ units: 2 })(embed()(words));
  expectTypeOf(states.kind).toEqualTypeOf<"features">();
  expectTypeOf(head()(states).kind).toEqualTypeOf<"features">();
  expectTypeOf(lstm({ units: 2, returnSequences: true })(embed()(words)).kind).toEqualTypeOf<"sequence">();
  expectTypeOf(head()(embed()(words)).kind).toEqualTypeOf<"sequence">();
  model(words, head()(states));

  // @ts-expect-error dense on ids
  expect(() => head()(words)).toThrow("embedding");
  // @ts-expect-error lstm on its last state
  expect(() => lstm({ units: 2 })(states)).toThrow("returnSequences");
});

test("both directions may be of two kinds, with the states of each", () => {
  const words = input({ shape: ["time", 3] });
  const [h, c, g] = ["h", "c", "g"].map((name) => input({ shape: [2], name }));
  type F = Symbolic<"features">;
  const both = bidirectional(lstm({ units: 2 }), { backwardLayer: gru({ units: 2, reverse: true }) });
  expectTypeOf(both(words, { initialState: [h!, c!, g!] })).toEqualTypeOf<F>();
  const apart = bidirectional(gru({ units: 2 }), {
    backwardLayer: rnn(decay({ units: 3 }), { reverse: true }),
    mergeMode: null,
  });
  expectTypeOf(apart(words)).toEqualTypeOf<readonly [forward: F, backward: F]>();
  const returned = bidirectional(simpleRnn({ units: 2, returnState: true }), {
    backwardLayer: lstm({ units: 2, returnState: true, reverse: true }),
  });
  expectTypeOf(returned(words)).toEqualTypeOf<readonly [F, F, F, F]>();
  expect(returned(words)).toHaveLength(4);
  expectTypeOf(bidirectional(lstm({ units: 2 }))(words, { initialState: [h!, c!, h!, c!] })).toEqualTypeOf<F>();
  sequential([words, both, head()]);

  // @ts-expect-error states of two lstms
  expect(() => both(words, { initialState: [h!, c!, h!, c!] })).toThrow("[forward h, forward c, backward h]");
  // @ts-expect-error one returns a sequence
  expect(() => bidirectional(lstm({ units: 2 }), { backwardLayer: gru({ units: 2, returnSequences: true }) })).toThrow(
    "both must return the same",
  );
});

test("what a variable decides is of the one type or the other", () => {
  const words = input({ shape: ["time", 3] });
  const flag: boolean = head.length === 0;
  const mode = (flag ? "sum" : null) as MergeMode | null;
  type Either = Symbolic<"sequence" | "features">;
  expectTypeOf(lstm({ units: 2, returnSequences: flag })(words)).toEqualTypeOf<Either>();
  expectTypeOf(gru({ units: 2, returnSequences: flag, returnState: true })(words)[0]).toEqualTypeOf<Either>();
  expectTypeOf(rnn(decay({ units: 2 }), { returnSequences: flag })(words)).toEqualTypeOf<Either>();
  expectTypeOf(rnn(decay({ units: 2 }), { returnSequences: flag, returnState: true })(words)[2]).toEqualTypeOf<
    Symbolic<"features">
  >();
  const either = bidirectional(lstm({ units: 2 }), { mergeMode: mode })(words);
  expectTypeOf(either).toExtend<Symbolic<"features"> | readonly [Symbolic<"features">, Symbolic<"features">]>();
  expect("kind" in either && either.kind).toBe("features");
  // A chain takes it where one of the two fits; the other is an error when it is made.
  sequential([words, lstm({ units: 2, returnSequences: flag }), lstm({ units: 2 }), head()]);
});

test("options are those of the layer", () => {
  // @ts-expect-error a mistyped option
  expect(() => lstm({ units: 2, returnSequence: true })).toThrow("returnSequence");
  // @ts-expect-error an activation that there is not
  expect(() => dense({ units: 2, activation: "sigmoide" })).toThrow("sigmoide");
  // @ts-expect-error a missing option
  expect(() => embedding({ inputDim: 3 })).toThrow("outputDim");
  // @ts-expect-error a shape that means nothing
  expect(() => input({ shape: [3, "time"] })).toThrow("shape");
});

test("a gru and a simpleRnn have one state, and options of their own", () => {
  const words = input({ shape: ["time", 3] });
  const state = input({ shape: [2], name: "state" });
  const results = gru({ units: 2, returnSequences: true, returnState: true })(words, { initialState: [state] });
  expectTypeOf(results).toEqualTypeOf<readonly [Symbolic<"sequence">, Symbolic<"features">]>();
  const [, h] = simpleRnn({ units: 2, returnState: true })(words);
  expectTypeOf(h.kind).toEqualTypeOf<"features">();
  expectTypeOf(gru({ units: 2 })(words, { initialState: [h] }).kind).toEqualTypeOf<"features">();
  expectTypeOf(simpleRnn({ units: 2, returnSequences: true })(words).kind).toEqualTypeOf<"sequence">();
  sequential([words, gru({ units: 2, returnSequences: true, resetAfter: false }), simpleRnn({ units: 2 }), head()]);

  // @ts-expect-error two states
  expect(() => gru({ units: 2 })(words, { initialState: [h, h] })).toThrow("[h]");
  // @ts-expect-error one state for an lstm
  expect(() => lstm({ units: 2 })(words, { initialState: [h] })).toThrow("[h, c]");
  // @ts-expect-error a third result that there is not
  expect(results[2]).toBeUndefined();
  // @ts-expect-error a sequence is no state
  expect(() => simpleRnn({ units: 2 })(words, { initialState: [words] })).toThrow("initialState h");
  // @ts-expect-error an option of lstm
  expect(() => gru({ units: 2, unitForgetBias: false })).toThrow("unitForgetBias");
  // @ts-expect-error an option of gru
  expect(() => simpleRnn({ units: 2, resetAfter: true })).toThrow("resetAfter");
  // @ts-expect-error an option of what has gates
  expect(() => simpleRnn({ units: 2, recurrentActivation: "tanh" })).toThrow("recurrentActivation");
  // @ts-expect-error a simpleRnn after one that gives only its last state
  expect(() => sequential([words, gru({ units: 2 }), simpleRnn({ units: 2 })])).toThrow("returnSequences");
});

test("losses take the options of their kind, and only those", () => {
  expect(crf().kind).toBe("crf");
  expect(ctc({ blank: "last" }).kind).toBe("ctc");
  // @ts-expect-error quantiles are required
  expect(() => quantileLoss()).toThrow("quantiles");
  // @ts-expect-error a blank is a number or "last"
  expect(() => ctc({ blank: "first" })).toThrow("blank");
  // @ts-expect-error the prediction of a CRF is linear units
  expect(() => crf({ fromLogits: true })).toThrow("fromLogits");
  const own = defineLoss({
    kind: "own",
    parse: (options: { readonly scale: number }) => ({ factor: options.scale }),
    target: () => ({ dtype: "float32" }),
    build: (_context, config, { prediction }) => {
      expectTypeOf(config).toEqualTypeOf<{ factor: number }>();
      return prediction.values;
    },
  });
  expectTypeOf(own).parameters.toEqualTypeOf<[options: { readonly scale: number }]>();
});
