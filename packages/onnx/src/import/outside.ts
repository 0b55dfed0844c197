/** What a body reads from outside, where our own bodies have parameters. */
import { parameter, type Value } from "@ostinato/core";
import { narrowed } from "./broadcasting.ts";
import { computed, type Imported } from "./imported.ts";
import type { Importing } from "./importing.ts";

/** The outer values that a body reads, as parameters of the body. */
export class Outside {
  readonly #importing: Importing;
  readonly #inside = new Map<Imported, Imported>();
  readonly #read: { readonly value: Value; readonly parameter: Value; readonly place: number }[] = [];

  constructor(importing: Importing) {
    this.#importing = importing;
  }

  /** Its meaning in the body. Known numbers and constants remain known. */
  enter(imported: Imported, place: number): Imported {
    if (imported.kind === "host" || (imported.kind === "stored" && !this.#importing.isParameter(imported)))
      return imported;
    const known = this.#inside.get(imported);
    if (known) return known;
    const value = imported.kind === "computed" ? imported.value : this.#importing.value(imported);
    const inside = parameter(`constant${this.#read.length}`, value.type.dtype, value.type.shape);
    this.#read.push({ value, parameter: inside, place });
    const entered: Imported = imported.kind === "computed" ? { ...imported, value: inside } : computed(inside);
    this.#inside.set(imported, entered);
    return entered;
  }

  /** In the order in which the body reads them, except that computed values are in the file's order of computation, so that an export gives the same order. */
  read(): { readonly value: Value; readonly parameter: Value }[] {
    const isComputed = ({ value }: { readonly value: Value }): boolean => narrowed(value).node.op !== "input";
    const computed = this.#read.filter(isComputed).sort((a, b) => a.place - b.place);
    return this.#read.map((each) => (isComputed(each) ? (computed.shift() as typeof each) : each));
  }
}
