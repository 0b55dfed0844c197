/** Values while they are planned: how long each is needed, and where it lies. */
import { ConfigError } from "../errors.ts";
import { type DType, isHeld, type Shape, type ValueType } from "../ir/value.ts";
import { aligned, type Interval, place } from "./arena.ts";
import type { ProgramValue, Storage } from "./program.ts";

/** The largest size of each named dimension. */
export type Capacities = Readonly<Record<string, number>>;

const bytesOf: { readonly [D in DType]: number } = { float32: 4, int32: 4, bool: 1 };

interface Draft {
  readonly type: ValueType;
  /** The value of the same level whose memory and life this one shares; itself where it has its own. */
  readonly root: number;
  /** The value of an outer level whose memory this one shares. */
  readonly outer?: number;
  readonly state?: string;
  readonly uniform: boolean;
  /** Steps of its level: the one that writes it (-1: there from the start) and the last that reads it. */
  readonly birth: number;
  death: number;
  /** It stays from run to run. */
  kept?: boolean;
}

/** The values of one block, to be placed within the memory of the step that runs it. */
export interface PlacedBlock {
  readonly step: number;
  readonly bytes: number;
  readonly members: readonly number[];
}

/** Collects the values of a program and places them. */
export class Binder {
  readonly #capacities: Capacities;
  /** Of sizes that ops set themselves. */
  readonly #defined = new Map<string, number>();
  readonly #drafts: Draft[] = [];
  readonly #offsets = new Map<number, number>();
  /** Values that lie where others lay until the step that writes them. */
  readonly #over = new Map<number, number>();

  constructor(capacities: Capacities) {
    this.#capacities = capacities;
  }

  /** Takes sizes that no feed tells. */
  define(sizes: Capacities): void {
    for (const [name, size] of Object.entries(sizes)) this.#defined.set(name, size);
  }

  /** Whether an op sets the size itself. */
  defines(name: string): boolean {
    return this.#defined.has(name);
  }

  /** Elements of a shape at full capacity. */
  capacity(shape: Shape): number {
    let size = 1;
    for (const dim of shape) {
      const bound = typeof dim === "number" ? dim : (this.#defined.get(dim) ?? this.#capacities[dim]);
      if (bound === undefined || !Number.isInteger(bound) || bound < 1) {
        throw new ConfigError(`bind: "${dim}" needs a capacity, a whole number from 1 on, got ${bound}`);
      }
      size *= bound;
    }
    return size;
  }

  /** A new value; returns its number. */
  add(
    type: ValueType,
    birth: number,
    place: { sharing?: number; outer?: number; state?: string; uniform?: boolean } = {},
  ): number {
    const { sharing, uniform = false, ...rest } = place;
    const root = sharing === undefined ? this.#drafts.length : this.#draft(sharing).root;
    return this.#drafts.push({ type, root, uniform, birth, death: birth, ...rest }) - 1;
  }

  typeOf(index: number): ValueType {
    return this.#draft(index).type;
  }

  /** Notes that `step` reads the value. */
  read(index: number, step: number): void {
    const draft = this.#draft(index);
    draft.death = Math.max(draft.death, step);
    if (draft.root !== index) this.read(draft.root, step);
  }

  /** Whether nothing reads the value after `step`, so that its memory may go. */
  endsAt(index: number, step: number): boolean {
    const draft = this.#draft(index);
    return draft.death === step && draft.state === undefined && !draft.kept;
  }

  /** Keeps what steps before `prepared` make for those from there on, in a place of its own. To be asked once all readers are known; returns its bytes. */
  keep(members: readonly number[], prepared: number): number {
    let bytes = 0;
    for (const index of members) {
      const draft = this.#draft(index);
      draft.kept = draft.birth >= 0 && draft.birth < prepared && draft.death >= prepared;
      if (!draft.kept || draft.root !== index) continue;
      this.#offsets.set(index, bytes);
      bytes += aligned(this.#bytes(index));
    }
    return bytes;
  }

  /**
   * Lets a value of the level lie over an input of the step that writes it, if that has memory of its own, as many elements of the same size, and is
   * not read any more after the step. To be asked once all readers are known.
   */
  overwrite(index: number, input: number, step: number): boolean {
    const given = this.#draft(input);
    const [to, from] = [this.#draft(index), this.#draft(given.root)];
    const free = from.state === undefined && from.outer === undefined && from.birth >= 0;
    const own = free && to.root === index && !from.kept && !to.kept;
    const alike =
      !given.uniform &&
      !to.uniform &&
      bytesOf[to.type.dtype] === bytesOf[from.type.dtype] &&
      this.#bytes(index) === this.#bytes(given.root);
    if (!own || !alike || from.death !== step) return false;
    this.#over.set(index, this.#placeOf(given.root));
    return true;
  }

  #bytes(index: number): number {
    const { type, uniform } = this.#draft(index);
    return bytesOf[type.dtype] * (uniform ? 1 : this.capacity(type.shape));
  }

  /** Places the values of one level and the blocks in it; returns the bytes that it takes. */
  place(members: readonly number[], blocks: readonly PlacedBlock[]): number {
    const own = members.filter((index) => {
      const draft = this.#draft(index);
      const placed = draft.state !== undefined || draft.outer !== undefined || draft.kept;
      return draft.root === index && !placed && !this.#over.has(index);
    });
    const ends = new Map<number, number>();
    for (const index of members) {
      const place = this.#placeOf(index);
      ends.set(place, Math.max(ends.get(place) ?? -1, this.#draft(index).death));
    }
    const intervals: Interval[] = own.map((index) => ({
      bytes: this.#bytes(index),
      birth: this.#draft(index).birth,
      death: ends.get(index) as number,
    }));
    const { offsets, bytes } = place([
      ...intervals,
      ...blocks.map(({ bytes, step }) => ({ bytes, birth: step, death: step })),
    ]);
    own.forEach((index, i) => {
      this.#offsets.set(index, offsets[i] as number);
    });
    blocks.forEach((block, i) => {
      const base = offsets[own.length + i] as number;
      for (const index of block.members) {
        const inner = this.#offsets.get(index);
        if (inner !== undefined) this.#offsets.set(index, base + inner);
      }
    });
    return bytes;
  }

  /** The table of values, once every level is placed. */
  values(): ProgramValue[] {
    return this.#drafts.map(({ type, uniform }, index) => ({
      dtype: type.dtype,
      shape: type.shape,
      capacity: this.capacity(type.shape),
      storage: this.#storage(index),
      uniform,
    }));
  }

  #storage(index: number): Storage {
    const draft = this.#draft(index);
    const over = this.#over.get(index);
    if (over !== undefined) return this.#storage(over);
    if (draft.root !== index) return this.#storage(draft.root);
    if (draft.outer !== undefined) return this.#storage(draft.outer);
    if (draft.state !== undefined) return { kind: isHeld(draft.type) ? "held" : "state", name: draft.state };
    return { kind: draft.kept ? "kept" : "arena", offset: this.#offsets.get(index) as number };
  }

  /** The value in whose memory this one lies: the first of those that lie over one another. */
  #placeOf(index: number): number {
    const { root } = this.#draft(index);
    return this.#over.get(root) ?? root;
  }

  #draft(index: number): Draft {
    return this.#drafts[index] as Draft;
  }
}
