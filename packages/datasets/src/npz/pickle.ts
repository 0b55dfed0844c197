/** Pickled arrays of lists of whole numbers, read without running anything: whatever else a pickle may say is refused. */
import { NpzProblem } from "./problem.ts";

/**
 * What the stack holds, and all that can be made. An array and its element type are marks without content, since
 * the lists are all that is wanted.
 */
type Value = Atom | List | Tuple | Name | Built;
type Atom = number | boolean | null | string;
type List = { readonly kind: "list"; readonly items: Value[] };
type Tuple = { readonly kind: "tuple"; readonly items: readonly Value[] };
type Name = { readonly kind: "name"; readonly name: string };
type Built = { readonly kind: "array"; lists: List | null } | { readonly kind: "dtype" } | { readonly kind: "bytes" };

/** What a pickle may name, and what calling it makes here; a class is named only. */
const known: Readonly<Record<string, Built["kind"] | "class">> = {
  "numpy.core.multiarray _reconstruct": "array",
  "numpy._core.multiarray _reconstruct": "array",
  "numpy ndarray": "class",
  "numpy dtype": "dtype",
  // How Python 3 writes bytes for Python 2.
  "_codecs encode": "bytes",
};

/** Far beyond Keras's file (25,000 lists, 6 million numbers), far below what memory holds. */
const limits = { numbers: 50_000_000, objects: 2_000_000, stack: 10_000, text: 1000 } as const;

interface Machine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset: number;
  readonly stack: Value[];
  readonly marks: number[];
  readonly memo: Map<number, Value>;
  numbers: number;
  objects: number;
}

/**
 * The lists of a pickled NumPy array of one dimension (protocols 2 to 5). Names that are not NumPy's own for such an
 * array, numbers beyond 32 bits, and anything but lists of numbers throw `NpzProblem`.
 */
export function pickledLists(bytes: Uint8Array): Int32Array[] {
  const machine: Machine = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    offset: 0,
    stack: [],
    marks: [],
    memo: new Map(),
    numbers: 0,
    objects: 0,
  };
  try {
    const array = result(machine);
    if (isKind(array, "array") && array.lists !== null) return integerLists(array.lists, bytes.length);
  } catch (error) {
    if (error instanceof RangeError) throw new NpzProblem("is a pickle that is cut off", { cause: error });
    throw error;
  }
  throw new NpzProblem("is a pickle of something else than a NumPy array of lists");
}

function integerLists(lists: List, size: number): Int32Array[] {
  const made = new Map<Value, Int32Array>();
  let total = 0;
  return lists.items.map((list) => {
    if (!isKind(list, "list")) throw new NpzProblem("holds something else than lists");
    let integers = made.get(list);
    if (integers === undefined) {
      integers = new Int32Array(list.items.length);
      for (const [index, item] of list.items.entries()) {
        if (typeof item !== "number") throw new NpzProblem("holds lists of something else than whole numbers");
        integers[index] = item;
      }
      made.set(list, integers);
    }
    total += integers.length;
    // One list in many places could grow without end once each is copied.
    if (total > size) throw new NpzProblem("repeats its lists");
    return integers;
  });
}

/** Steps through the pickle to its end; the codes are those of Python's `pickletools`. */
function result(machine: Machine): Value {
  const { view, stack, bytes } = machine;
  for (;;) {
    const code = view.getUint8(machine.offset);
    machine.offset += 1;
    const at = machine.offset;
    switch (code) {
      case 0x4b: // BININT1
        pushNumber(machine, view.getUint8(at), 1);
        break;
      case 0x4d: // BININT2
        pushNumber(machine, view.getUint16(at, true), 2);
        break;
      case 0x4a: // BININT
        pushNumber(machine, view.getInt32(at, true), 4);
        break;
      case 0x8a: // LONG1
        pushNumber(machine, long(machine, view.getUint8(at)), 1 + view.getUint8(at));
        break;
      case 0x65: // APPENDS
        append(machine, sinceMark(machine));
        break;
      case 0x61: // APPEND
        append(machine, [pop(machine)]);
        break;
      case 0x28: // MARK
        if (machine.marks.length > limits.stack) throw new NpzProblem("is nested too deeply");
        machine.marks.push(stack.length);
        break;
      case 0x5d: // EMPTY_LIST
        push(machine, { kind: "list", items: [] });
        break;
      case 0x29: // EMPTY_TUPLE
        push(machine, { kind: "tuple", items: [] });
        break;
      case 0x74: // TUPLE
        push(machine, { kind: "tuple", items: sinceMark(machine) });
        break;
      case 0x85: // TUPLE1, TUPLE2, TUPLE3
      case 0x86:
      case 0x87: {
        const count = code - 0x84;
        const items = Array.from({ length: count }, () => pop(machine)).reverse();
        push(machine, { kind: "tuple", items });
        break;
      }
      case 0x4e: // NONE
        push(machine, null);
        break;
      case 0x88: // NEWTRUE, NEWFALSE
      case 0x89:
        push(machine, code === 0x88);
        break;
      case 0x55: // SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE
      case 0x43:
      case 0x8c:
        pushText(machine, at + 1, view.getUint8(at));
        break;
      case 0x54: // BINSTRING, BINBYTES, BINUNICODE
      case 0x42:
      case 0x58:
        pushText(machine, at + 4, view.getUint32(at, true));
        break;
      case 0x71: // BINPUT
        machine.offset += 1;
        remember(machine, view.getUint8(at));
        break;
      case 0x72: // LONG_BINPUT
        machine.offset += 4;
        remember(machine, view.getUint32(at, true));
        break;
      case 0x94: // MEMOIZE
        remember(machine, machine.memo.size);
        break;
      case 0x68: // BINGET
        machine.offset += 1;
        push(machine, recalled(machine, view.getUint8(at)));
        break;
      case 0x6a: // LONG_BINGET
        machine.offset += 4;
        push(machine, recalled(machine, view.getUint32(at, true)));
        break;
      case 0x63: {
        // GLOBAL
        const module = line(machine);
        push(machine, nameOf(module, line(machine)));
        break;
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = pop(machine);
        push(machine, nameOf(pop(machine), name));
        break;
      }
      case 0x52: // REDUCE
        push(machine, called(pop(machine), pop(machine)));
        break;
      case 0x62: // BUILD
        build(pop(machine), stack.at(-1));
        break;
      case 0x80: // PROTO
        machine.offset += 1;
        break;
      case 0x95: // FRAME
        machine.offset += 8;
        break;
      case 0x2e: // STOP
        if (machine.offset !== bytes.length) throw new NpzProblem("goes on behind the end of its pickle");
        return pop(machine);
      default:
        throw new NpzProblem(`is a pickle with the code 0x${code.toString(16).padStart(2, "0")}, which is not read`);
    }
  }
}

function push(machine: Machine, value: Value): void {
  machine.objects += 1;
  if (machine.objects > limits.objects) throw new NpzProblem(`is a pickle of more than ${limits.objects} objects`);
  pushed(machine, value);
}

function pushNumber(machine: Machine, value: number, width: number): void {
  machine.offset += width;
  machine.numbers += 1;
  if (machine.numbers > limits.numbers) throw new NpzProblem(`is a pickle of more than ${limits.numbers} numbers`);
  pushed(machine, value);
}

function pushed({ stack }: Machine, value: Value): void {
  // Python writes lists a thousand items at a time.
  if (stack.length === limits.stack) throw new NpzProblem("is a pickle that piles up too much");
  stack.push(value);
}

function pushText(machine: Machine, start: number, length: number): void {
  if (length > limits.text) throw new NpzProblem("is a pickle of texts, not of whole numbers");
  if (start + length > machine.bytes.length) throw new RangeError("text runs over the end");
  machine.offset = start + length;
  push(machine, Buffer.from(machine.bytes.subarray(start, start + length)).toString("latin1"));
}

function pop({ stack, marks }: Machine): Value {
  const value = stack.length > (marks.at(-1) ?? 0) ? stack.pop() : undefined;
  if (value === undefined) throw new NpzProblem("is a damaged pickle: it takes what it has not made");
  return value;
}

function sinceMark({ stack, marks }: Machine): Value[] {
  const mark = marks.pop();
  if (mark === undefined) throw new NpzProblem("is a damaged pickle: it takes what it has not made");
  return stack.splice(mark);
}

function append({ stack, marks }: Machine, items: readonly Value[]): void {
  const list = stack.length > (marks.at(-1) ?? 0) ? stack.at(-1) : undefined;
  if (!isKind(list, "list")) throw new NpzProblem("is a damaged pickle: it appends to what is no list");
  for (const item of items) list.items.push(item);
}

function remember({ stack, memo }: Machine, place: number): void {
  const value = stack.at(-1);
  if (value === undefined) throw new NpzProblem("is a damaged pickle: it remembers nothing");
  if (memo.size > limits.objects) throw new NpzProblem(`is a pickle of more than ${limits.objects} objects`);
  memo.set(place, value);
}

function recalled({ memo }: Machine, place: number): Value {
  const value = memo.get(place);
  if (value === undefined) throw new NpzProblem("is a damaged pickle: it recalls what it has not remembered");
  return value;
}

/** A number of `size` bytes, least first, in two's complement; 32 bits at most. */
function long({ view, offset }: Machine, size: number): number {
  let value = 0n;
  if (size > 8) throw new NpzProblem("holds a number beyond 32 bits");
  for (let index = 0; index < size; index++) value |= BigInt(view.getUint8(offset + 1 + index)) << BigInt(8 * index);
  const signed = Number(BigInt.asIntN(8 * size, value));
  if ((signed | 0) !== signed) throw new NpzProblem("holds a number beyond 32 bits");
  return signed;
}

/** Text up to the next end of line. */
function line(machine: Machine): string {
  const end = machine.bytes.indexOf(0x0a, machine.offset);
  if (end === -1) throw new RangeError("line runs over the end");
  const text = Buffer.from(machine.bytes.subarray(machine.offset, Math.min(end, machine.offset + limits.text)));
  machine.offset = end + 1;
  return text.toString("latin1");
}

function nameOf(module: Value, name: Value): Name {
  if (typeof module !== "string" || typeof name !== "string")
    throw new NpzProblem("is a damaged pickle: a name is none");
  const full = `${module} ${name}`;
  if (Object.hasOwn(known, full)) return { kind: "name", name: full };
  throw new NpzProblem(
    `is a pickle that asks for ${JSON.stringify(`${module}.${name}`.slice(0, 80))}: pickles are never run here, only lists of whole numbers are read`,
  );
}

function called(args: Value, callee: Value): Built {
  const kind = isKind(callee, "name") ? known[callee.name] : undefined;
  if (kind === undefined || kind === "class" || !isKind(args, "tuple")) {
    throw new NpzProblem("is a pickle that calls what is not NumPy's");
  }
  if (kind === "dtype" && !/^O[48]?$/.test(String(args.items[0]))) {
    throw new NpzProblem("is a pickle of an array whose elements are not lists");
  }
  return kind === "array" ? { kind, lists: null } : { kind };
}

/** An array's state is (version, shape, dtype, Fortran order, list of elements); a dtype's says nothing of use. */
function build(state: Value, built: Value | undefined): void {
  if (isKind(built, "dtype")) return;
  const items = isKind(state, "tuple") ? state.items : [];
  const [, shape, dtype, , elements] = items;
  if (!isKind(built, "array") || !isKind(shape, "tuple") || !isKind(dtype, "dtype") || !isKind(elements, "list")) {
    throw new NpzProblem("is a pickle of something else than a NumPy array of lists");
  }
  if (shape.items.length !== 1 || shape.items[0] !== elements.items.length) {
    throw new NpzProblem("is not an array of one dimension");
  }
  built.lists = elements;
}

function isKind<Kind extends Exclude<Value, Atom>["kind"]>(
  value: Value | undefined,
  kind: Kind,
): value is Extract<Exclude<Value, Atom>, { kind: Kind }> {
  return typeof value === "object" && value !== null && value.kind === kind;
}
