/** State whose size changes from run to run: programs write it, and others read it. Where its places move, what they hold moves along. */
import type { DType, Program, ProgramValue } from "@ostinato/core";
import { aligned, type View } from "./call.ts";
import type { NamedView } from "./compile.ts";
import { shift } from "./kept.ts";
import type { Memory } from "./memory.ts";
import { bytesOf } from "./views.ts";

/** A piece of held state. */
export interface Held {
  dtype: DType;
  /** Its sizes, as it was written last; empty until then. */
  readonly shape: number[];
  address: number;
  /** The values of programs that lie here. */
  readonly views: View[];
}

/** Bytes for each piece, by name. */
export type Rooms = ReadonlyMap<string, number>;

/** The pieces by name, one after the other. */
export class HeldStates {
  readonly pieces = new Map<string, Held>();
  #rooms: Rooms = new Map();

  /** Room for what there is, and for what a program reads and writes. */
  roomsWith({ held, holds, values }: Pick<Program, "held" | "holds" | "values">): Rooms {
    const rooms = new Map(this.#rooms);
    for (const { name, value } of [...held, ...holds]) {
      const { capacity, dtype } = values[value] as ProgramValue;
      rooms.set(name, Math.max(rooms.get(name) ?? 0, aligned(capacity * bytesOf[dtype])));
    }
    return rooms;
  }

  /** Puts the pieces from `start` on, for which there is memory; returns where the last one ends. */
  place(memory: Memory, start: number, rooms: Rooms): number {
    const contents = [...this.pieces].map(
      ([name, { address }]) => [name, memory.u8.slice(address, address + (this.#rooms.get(name) as number))] as const,
    );
    let end = start;
    for (const [name, bytes] of rooms) {
      const piece = this.pieces.get(name) ?? { dtype: "float32", shape: [], address: 0, views: [] };
      this.pieces.set(name, piece);
      shift(piece.views, end - piece.address);
      piece.address = end;
      end += bytes;
    }
    for (const [name, bytes] of contents) memory.u8.set(bytes, this.pieces.get(name)?.address);
    this.#rooms = rooms;
    return end;
  }

  /** Takes in the values of a program, for which there is room. */
  adopt(values: readonly NamedView[]): void {
    for (const { name, view } of values) {
      const { address, views } = this.pieces.get(name) as Held;
      shift([view], address);
      views.push(view);
    }
  }
}

/** Bytes of all rooms. */
export function bytesIn(rooms: Rooms): number {
  return [...rooms.values()].reduce((sum, bytes) => sum + bytes, 0);
}
