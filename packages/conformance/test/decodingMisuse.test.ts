/** Models that do not decode: errors that say what is wrong with what, and the way out. */
import {
  attention,
  bidirectional,
  ConfigError,
  decodingOf,
  defineCell,
  dense,
  embedding,
  globalAveragePooling1d,
  gru,
  input,
  lastStep,
  type Model,
  model,
  OptionReader,
  repeatAlong,
  rnn,
  type Symbolic,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const ids = (name: string) => input({ shape: [name], name });
const scored = (x: Symbolic<"sequence">) => dense({ units: 7, activation: "softmax", name: "scores" })(x);

/** A cell that begins with what it learned. */
const starting = defineCell({
  kind: "starting",
  parse: (options: { units: number }, owner) => ({
    units: new OptionReader(owner, options, ["units"]).integer("units", 1),
  }),
  states: ["h"],
  sizes: ({ units }) => ({ h: units }),
  build: ({ parameter }, { units }) => ({
    initial: { h: parameter("start", [units], "zeros") },
    step: ({ states }) => ({ states }),
  }),
});

describe("a model that does not decode", () => {
  const decoder = (from = ids("source"), to = ids("target")) => {
    const h = gru({ units: 3 })(embedding({ inputDim: 7, outputDim: 2 })(from));
    const y = embedding({ inputDim: 7, outputDim: 2, name: "words" })(to);
    return { from, to, h, y, decoded: gru({ units: 3, returnSequences: true })(y, { initialState: [h] }) };
  };
  const refused = (made: Model, options?: Parameters<typeof decodingOf>[1]) => {
    try {
      decodingOf(made.spec, options);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as Error).message;
    }
    throw new Error("nothing was thrown");
  };

  test("has no tokens: no input of that name, another kind, the same time as another", () => {
    const { from, to, decoded } = decoder(ids("source"), input({ shape: ["words"], name: "words" }));
    const made = model([from, to], { next: scored(decoded) });
    expect(refused(made)).toBe(
      'decoding: the model has no input "target"; name the one that reads the tokens so far, { target: … }, one of "source", "words"',
    );
    expect(decodingOf(made.spec, { target: "words" }).states.length).toBe(1);
    expect(refused(made, { tokens: "words" } as never)).toBe(
      'decoding has no option "tokens"; it takes target, output',
    );
    const heard = input({ shape: ["time", 2] });
    expect(refused(model(heard, scored(heard)))).toMatch(
      /the input "input" must be ids \[batch, time\], it is sequence/,
    );
    const same = decoder(input({ shape: ["time"], name: "source" }), input({ shape: ["time"], name: "target" }));
    expect(refused(model([same.from, same.to], scored(same.decoded)))).toMatch(
      /the inputs "target" and "source" are over the same time "time".*give the time of each a name of its own/,
    );
  });

  test("has no scores: no output of that name, not of the tokens, not over their time, too few or too many, other numbers", () => {
    const { from, to, h, decoded } = decoder();
    const last = lastStep()(decoded);
    const made = model([from, to], {
      next: scored(decoded),
      ofSource: dense({ units: 4 })(h),
      last: dense({ units: 4 })(last),
      one: dense({ units: 1 })(decoded),
      many: dense({ units: 8 })(decoded),
      odds: dense({ units: 7, activation: "sigmoid" })(decoded),
    });
    const of = (output: string) => refused(made, { output });
    expect(of("words")).toMatch(/has no output "words"; it has "next", "ofSource"/);
    expect(of("ofSource")).toMatch(/"ofSource" does not depend on the tokens of "target"; name the one that scores/);
    expect(of("last")).toMatch(/"last" must be over the time of "target", \[batch, target, units\], it is features/);
    expect(of("one")).toMatch(
      /"one" must score two tokens or more, one unit each, it is sequence \[batch, target, 1\]/,
    );
    expect(of("many")).toMatch(/scores 8 tokens, and the embedding "words" reads fewer; give it an inputDim of 8/);
    expect(of("odds")).toMatch(/"odds" ends in a sigmoid/);
  });

  test("needs more of a row than the tokens so far; the error names the layer", () => {
    const { from, to, h, y, decoded } = decoder();
    const whole = gru({ units: 3, name: "whole" })(y);
    const backward = gru({ units: 3, returnSequences: true, reverse: true, name: "backward" });
    const begun = gru({ units: 3, returnSequences: true, name: "begun" });
    for (const [layer, wrong] of [
      ["both", bidirectional(gru({ units: 2, returnSequences: true }), { mergeMode: "sum", name: "both" })(y)],
      ["backward", backward(y, { initialState: [h] })],
      ["pool", repeatAlong()([globalAveragePooling1d({ name: "pool" })(y), decoded])],
      ["again", repeatAlong({ name: "again" })([whole, decoded])],
      ["self", attention({ useCausalMask: true, name: "self" })([decoded, decoded])],
      ["begun", begun(y, { initialState: [whole] })],
    ] as const) {
      const made = model([from, to], { next: scored(wrong), other: dense({ units: 2 })(decoded) });
      expect(refused(made), layer).toMatch(
        new RegExp(`the \\w+ "${layer}" cannot take the tokens of "target" as they come, because it `),
      );
    }
  });

  test("has no sources, and begins with what it learned", () => {
    const x = ids("target");
    const decoded = rnn(starting({ units: 7 }), { returnSequences: true })(embedding({ inputDim: 7, outputDim: 3 })(x));
    expect(refused(model(x, decoded))).toMatch(/"states\/rnn\/h" begins with what was learned, and a model without/);
  });
});
