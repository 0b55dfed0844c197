/** Random trials of scans whose bodies pass values on in unusual ways. */
import {
  broadcast,
  cast,
  constant,
  dot,
  full,
  gather,
  mul,
  reshape,
  scan,
  select,
  sub,
  sum,
  tanh,
  transpose,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import type { Draw, DrawnDim, DrawTrial } from "./draw.ts";

const known = (size: number): DrawnDim => ({ dim: size, size });

/** [time, batch, 2], two initial carries [batch, 2]. */
function drawParts(draw: Draw): { x: Value; a: Value; b: Value } {
  const [time, batch] = [draw.named("time", 5), draw.named("batch", 4)];
  const rows = [batch, known(2)];
  return { x: draw.float("x", [time, ...rows]), a: draw.float("a", rows), b: draw.float("b", rows) };
}

const named = ({ carries, outputs }: { carries: readonly Value[]; outputs: readonly Value[] }) =>
  Object.fromEntries([...carries.map((x, i) => [`carry${i}`, x]), ...outputs.map((x, i) => [`output${i}`, x])]);

export const scanTrials: Readonly<Record<string, DrawTrial>> = {
  "carries that change places": (draw) => {
    const { x, a, b } = drawParts(draw);
    const body = ([h, k]: readonly Value[], [now]: readonly Value[]) => ({ carries: [k, h], outputs: [mul(h, now)] });
    return named(scan({ initial: [a, b], sequences: [x], body }));
  },
  "a carry that becomes the other and one that is new": (draw) => {
    const { x, a, b } = drawParts(draw);
    return named(
      scan({
        initial: [a, b],
        sequences: [x],
        reverse: draw.chance(0.5),
        body: ([h, k], [now]) => ({ carries: [tanh(add(k, now)), h], outputs: [k, h] }),
      }),
    );
  },
  "carries that stay, slices and constants as results": (draw) => {
    const { x, a, b } = drawParts(draw);
    return named(
      scan({
        initial: [a, b],
        sequences: [x],
        constants: [b],
        body: ([h], [now], [fixed]) => ({ carries: [h, now], outputs: [now, fixed, h] }),
      }),
    );
  },
  "one value as several results": (draw) => {
    const { x, a } = drawParts(draw);
    return named(
      scan({
        initial: [a, a],
        sequences: [x],
        body: ([h, k], [now]) => {
          const next = tanh(add(add(h, k), now));
          return { carries: [next, next], outputs: [next, next, reshape(next, [h.type.shape[0], 1, 2])] };
        },
      }),
    );
  },
  "results under another shape": (draw) => {
    const { x, a } = drawParts(draw);
    const folded = reshape(a, [a.type.shape[0], 1, 2]);
    return named(
      scan({
        initial: [folded],
        sequences: [x],
        body: ([h], [now]) => {
          const next = add(reshape(h, now.type.shape), now);
          return { carries: [reshape(mul(next, 0.5), h.type.shape)], outputs: [reshape(now, h.type.shape), next] };
        },
      }),
    );
  },
  "results made of one number": (draw) => {
    const { x, a, b } = drawParts(draw);
    return named(
      scan({
        initial: [a, b],
        sequences: [x],
        body: ([h], [now]) => {
          const total = broadcast(tanh(sum(now)), now.type.shape, []);
          return { carries: [full(0.25, h.type.shape), add(h, total)], outputs: [total, full(3, h.type.shape)] };
        },
      }),
    );
  },
  "one sequence twice, and as a constant too": (draw) => {
    const { x, a } = drawParts(draw);
    return named(
      scan({
        initial: [a],
        sequences: [x, x],
        constants: [x],
        body: ([h], [now, again], [whole]) => ({
          carries: [tanh(sub(add(h, now), sum(whole, [0])))],
          outputs: [mul(now, again)],
        }),
      }),
    );
  },
  "scalars, whole numbers and truth values as carries": (draw) => {
    const { x } = drawParts(draw);
    return named(
      scan({
        initial: [constant(0), constant(3, "int32"), constant(0, "bool")],
        sequences: [x],
        body: ([total, count, odd], [now]) => {
          const part = sum(now);
          return {
            carries: [add(total, part), add(count, 1), cast(sub(1, cast(odd, "int32")), "bool")],
            outputs: [select(odd, total, part), mul(count, 2), odd],
          };
        },
      }),
    );
  },
  "a scan in a scan": (draw) => {
    const { x, a, b } = drawParts(draw);
    return named(
      scan({
        initial: [a],
        sequences: [x],
        constants: [b, x],
        body: ([h], [now], [start, whole]) => {
          const inner = scan({
            initial: [start],
            sequences: [whole],
            constants: [now],
            reverse: true,
            body: ([k], [entry], [fixed]) => ({ carries: [tanh(add(mul(k, fixed), entry))], outputs: [k] }),
          });
          return { carries: [tanh(add(h, inner.carries[0]))], outputs: [sum(inner.outputs[0], [0])] };
        },
      }),
    );
  },
  "products that a step waits for, and that none does": (draw) => {
    const [time, batch] = [draw.named("time", 5), draw.named("batch", 4)];
    const [heads, size] = [known(draw.whole(1, 3)), known(draw.whole(1, 3))];
    const here = [batch.dim, heads.dim, size.dim];
    return named(
      scan({
        initial: [
          draw.float("h", [batch, heads, size]),
          draw.float("s", [size, size]),
          draw.float("p", [batch, heads, batch, heads]),
        ],
        sequences: [draw.float("x", [time, batch, heads, size])],
        constants: [draw.float("v", [heads, size, size], -1, 1), draw.float("m", [size, size], -1, 1)],
        reverse: draw.chance(0.5),
        body: ([h, s, p], [now], [v, m]) => {
          const ofHeads = (of: Value): Value =>
            transpose(dot(of, v, { batch: [[1], [0]], contract: [[2], [1]] }), [1, 0, 2]);
          const ofAll = (of: Value): Value => transpose(dot(m, of, { contract: [[0], [2]] }), [1, 2, 0]);
          const terms = [
            ...[
              ofHeads(now),
              ofAll(now),
              ofHeads(h),
              ofAll(ofHeads(mul(now, 0.5))),
              dot(h, m, { contract: [[2], [0]] }),
            ],
            // Slices alone, but none of them the same in all steps.
            broadcast(
              dot(now, now, {
                batch: [
                  [0, 1],
                  [0, 1],
                ],
                contract: [[2], [2]],
              }),
              here,
              [0, 1],
            ),
          ].filter(() => draw.chance(0.5));
          const next = tanh(terms.reduce(add, mul(h, 0.5)));
          const pairs = dot(reshape(now, here), next, {
            contract: [
              [0, 1],
              [0, 1],
            ],
          });
          return {
            carries: [
              next,
              add(s, draw.chance(0.5) ? add(pairs, pairs) : pairs),
              add(dot(now, h, { contract: [[2], [2]] }), p),
            ],
            outputs: [
              dot(next, m, { contract: [[2], [0]] }),
              draw.chance(0.5) ? ofAll(next) : dot(m, now, { contract: [[1], [2]] }),
            ],
          };
        },
      }),
    );
  },
  "a table read in every step": (draw) => {
    const [time, batch] = [draw.named("time", 5), draw.named("batch", 4)];
    const table = draw.float("table", [known(5), known(3)]);
    return named(
      scan({
        initial: [draw.float("h", [batch, known(3)])],
        sequences: [draw.int("ids", [time, batch], 0, 4)],
        constants: [table],
        lengths: draw.lengths("lengths", batch, time),
        body: ([h], [ids], [rows]) => ({ carries: [tanh(add(h, gather(rows, ids)))], outputs: [gather(rows, ids)] }),
      }),
    );
  },
};
