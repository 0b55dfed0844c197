/** Importers of matrix products. */
import { broadcastTo, type Dim, dot, reshape, type Shape, sum, transpose, type Value } from "@ostinato/core";
import { add, mul } from "@ostinato/core/graph";
import { asComputed, axesOf, fromAxes, together } from "./broadcasting.ts";
import { type Computed, computed } from "./imported.ts";
import type { Importer, Importers, Importing } from "./importing.ts";
import type { OnnxNode } from "./node.ts";

/** x [..., n] and a matrix: the last axis of `x` with one of the two axes of the matrix. */
function timesMatrix(node: OnnxNode, x: Computed, matrix: Value, contracted: 0 | 1, importing: Importing): Computed {
  const axes = axesOf(x);
  const last = axes.at(-1) as Shape;
  if (last.length !== 1) return node.fail(`it sums over the merged axis ${last.join(" times ")}`);
  importing.same(last[0], matrix.type.shape[contracted]);
  const own = x.value.type.shape.length - 1;
  const product = dot(x.value, matrix, { contract: [[own], [contracted]] });
  return fromAxes(product, [...axes.slice(0, -1), [matrix.type.shape[1 - contracted] as Dim]]);
}

/** a [..., n, k] · b [..., k, m] for each of the leading axes, with broadcasting. */
function batched(a: Value, b: Value, importing: Importing): Value {
  const lead = (x: Value): Shape => x.type.shape.slice(0, -2);
  importing.same(a.type.shape.at(-1), b.type.shape.at(-2));
  const rank = Math.max(lead(a).length, lead(b).length);
  const shape = Array.from({ length: rank }, (_, i) => {
    const [left, right] = [lead(a), lead(b)].map((dims) => dims[i - rank + dims.length] ?? 1) as [Dim, Dim];
    return left === 1 ? right : right === 1 ? left : importing.same(left, right);
  });
  const stretched = (x: Value): Value => broadcastTo(x, [...shape, ...x.type.shape.slice(-2)]);
  const axes = shape.map((_, i) => i);
  return dot(stretched(a), stretched(b), { contract: [[rank + 1], [rank]], batch: [axes, axes] });
}

const matMul: Importer = (node, importing) => {
  const [a, b] = [asComputed(node.input(0), importing), importing.value(node.input(1))];
  const ranks = [axesOf(a).length, b.type.shape.length];
  if (ranks.includes(0)) return node.fail("its inputs must not be scalars");
  const [, right] = node.inputs;
  const rows = right?.kind === "computed" && (ranks[0] as number) > 2 ? right.turned : undefined;
  if (rows) return [timesMatrix(node, a, rows, 1, importing)];
  if (ranks[1] === 2) return [timesMatrix(node, a, b, 0, importing)];
  if (ranks[1] === 1) {
    const column = timesMatrix(node, a, reshape(b, [b.type.shape[0] as Dim, 1]), 0, importing);
    return [fromAxes(column.value, axesOf(column).slice(0, -1))];
  }
  const left = importing.value(a);
  if (ranks[0] === 1) {
    const row = batched(reshape(left, [1, left.type.shape[0] as Dim]), b, importing);
    return [computed(reshape(row, [...row.type.shape.slice(0, -2), row.type.shape.at(-1) as Dim]))];
  }
  return [computed(batched(left, b, importing))];
};

const gemm: Importer = (node, importing) => {
  const [alpha, beta] = [node.float("alpha") ?? 1, node.float("beta") ?? 1];
  const [turnsA, turnsB] = [node.int("transA") ?? 0, node.int("transB") ?? 0];
  const given = asComputed(node.input(0), importing);
  const b = importing.value(node.input(1));
  if (axesOf(given).length !== 2 || b.type.shape.length !== 2) return node.fail("its inputs must be matrices");
  const product =
    turnsA === 0
      ? timesMatrix(node, given, b, turnsB === 0 ? 0 : 1, importing)
      : turned(importing.value(given), b, turnsB, importing);
  const scaled = alpha === 1 ? product : fromAxes(mul(product.value, alpha), axesOf(product));
  const bias = node.inputs[2];
  if (bias === undefined || beta === 0) return [scaled];
  const { values, axes } = together([scaled, bias], importing);
  const [x, c] = values as [Value, Value];
  return [fromAxes(add(x, beta === 1 ? c : mul(c, beta)), axes)];
};

/** A product with a transposed matrix. */
function turned(a: Value, b: Value, turnsB: number, importing: Importing): Computed {
  const contracted = turnsB === 0 ? 0 : 1;
  importing.same(a.type.shape[0], b.type.shape[contracted]);
  return computed(dot(a, b, { contract: [[0], [contracted]] }));
}

/** The axes of each operand and of the result as letters; `...` becomes capital letters. */
function equationOf(
  node: OnnxNode,
  ranks: readonly number[],
): { readonly operands: readonly string[]; readonly result: string } {
  const text = (node.string("equation") ?? "").replaceAll(" ", "");
  const [left = "", right] = text.split("->");
  const terms = left.split(",");
  if (terms.length !== ranks.length || !/^[A-Za-z.,]*$/.test(left))
    return node.fail(`the equation ${text} does not fit ${ranks.length} inputs`);
  const hidden = terms.map((term, i) => (ranks[i] as number) - term.replace("...", "").length);
  // Letters that equations do not use: those after the alphabets.
  const most = Math.max(0, ...terms.map((term, i) => (term.includes("...") ? (hidden[i] as number) : 0)));
  const letters = Array.from({ length: most }, (_, i) => String.fromCharCode(0x3b1 + i)).join("");
  const operands = terms.map((term, i) => term.replace("...", letters.slice(most - (hidden[i] as number))));
  if (operands.some((term, i) => term.length !== ranks[i] || term.includes(".")))
    return node.fail(`the equation ${text} does not fit its inputs`);
  const alone = [...new Set(operands.join(""))].filter(
    (letter) => !letters.includes(letter) && operands.join("").split(letter).length === 2,
  );
  return { operands, result: right === undefined ? letters + alone.sort().join("") : right.replace("...", letters) };
}

/** Sums a value over letters that no other operand or the result has. */
function withoutAlone(value: Value, term: string, kept: string): readonly [Value, string] {
  const axes = [...term].flatMap((letter, i) => (kept.includes(letter) ? [] : [i]));
  return [sum(value, axes), [...term].filter((letter) => kept.includes(letter)).join("")];
}

const isRun = (axes: readonly number[]): boolean =>
  axes.every((axis, i) => i === 0 || axis === (axes[i - 1] as number) + 1);

/** Transposes a value to an order of letters. */
function inOrder(value: Value, term: string, letters: string): Value {
  return transpose(
    value,
    [...letters].map((letter) => term.indexOf(letter)),
  );
}

/** The product of two operands, with the axes in the order of `dot`, and their letters. */
function product(
  [a, termA]: readonly [Value, string],
  [b, termB]: readonly [Value, string],
  result: string,
): readonly [Value, string] {
  const shared = [...termA].filter((letter) => termB.includes(letter));
  const batch = shared.filter((letter) => result.includes(letter));
  const contract = shared.filter((letter) => !result.includes(letter));
  const free = (term: string): string[] => [...term].filter((letter) => !shared.includes(letter));
  // Each group of axes must be contiguous; otherwise the operand is transposed.
  const arranged = (value: Value, term: string): readonly [Value, string] => {
    const groups = [batch, contract, free(term)];
    const runs = groups.every((letters) => isRun(letters.map((letter) => term.indexOf(letter))));
    const order = groups.flat().join("");
    return runs ? [value, term] : [inOrder(value, term, order), order];
  };
  const [[left, lettersA], [right, lettersB]] = [arranged(a, termA), arranged(b, termB)];
  const places = (letters: readonly string[], term: string): number[] => letters.map((letter) => term.indexOf(letter));
  const value = dot(left, right, {
    contract: [places(contract, lettersA), places(contract, lettersB)],
    batch: [places(batch, lettersA), places(batch, lettersB)],
  });
  return [value, [...batch, ...free(termA), ...free(termB)].join("")];
}

const einsum: Importer = (node, importing) => {
  const values = node.inputs.map((_, i) => importing.value(node.input(i)));
  const { operands, result } = equationOf(
    node,
    values.map(({ type }) => type.shape.length),
  );
  if (operands.some((term) => new Set(term).size < term.length))
    return node.fail("the diagonal of an input is not supported");
  const sizes = new Map<string, Dim>();
  operands.forEach((term, i) => {
    [...term].forEach((letter, axis) => {
      const dim = (values[i] as Value).type.shape[axis] as Dim;
      sizes.set(letter, importing.same(sizes.get(letter) ?? dim, dim));
    });
  });
  if ([...result].some((letter) => !sizes.has(letter)) || new Set(result).size < result.length)
    return node.fail("the result has axes that no input has");
  const terms = operands.map((term, i): readonly [Value, string] => {
    const others = [result, ...operands.filter((_, k) => k !== i)].join("");
    return withoutAlone(values[i] as Value, term, others);
  });
  const [first, ...rest] = terms;
  if (first === undefined) return node.fail("it has no inputs");
  const [value, letters] = rest.reduce(
    (known, next, i) => product(known, next, [result, ...rest.slice(i + 1).map(([, term]) => term)].join("")),
    first,
  );
  return [computed(inOrder(value, letters, result))];
};

export const linearImporters: Importers = { MatMul: matMul, Gemm: gemm, Einsum: einsum };
