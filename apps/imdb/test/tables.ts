/** Small files of texts and labels that a model learns in seconds. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { RandomStream } from "@ostinato/core";

const topics: Readonly<Record<string, readonly string[]>> = {
  billing: ["invoice", "refund", "charge", "card", "price"],
  login: ["password", "account", "locked", "sign", "email"],
  shipping: ["parcel", "late", "courier", "tracking", "box"],
};
const fillers = ["the", "my", "is", "please", "help", "with", "a", "and"];

export interface Row {
  readonly message: string;
  readonly queue: string;
}

/** Rows of 1 to `longest` words; each class has words of its own. */
export function drawnRows(count: number, classes: 2 | 3 = 3, seed = 1, longest = 14): Row[] {
  const random = new RandomStream(seed, "rows");
  const draw = <T>(from: readonly T[]): T => from[Math.floor(random.uniform() * from.length)] as T;
  const names = Object.keys(topics).slice(0, classes);
  return Array.from({ length: count }, (_, row) => {
    const queue = names[row % classes] as string;
    const words = Array.from({ length: Math.ceil(random.uniform() * longest) }, () =>
      draw([...(topics[queue] as readonly string[]), ...fillers]),
    );
    return { message: `${topics[queue]?.[0]} ${words.join(" ")}`, queue };
  });
}

/** Writes rows as a CSV file of the columns `message` and `queue`. */
export function writeCsv(folder: string, rows: readonly Row[], name = "tickets.csv"): string {
  const file = join(folder, name);
  writeFileSync(file, `message,queue\n${rows.map(({ message, queue }) => `"${message}",${queue}\n`).join("")}`);
  return file;
}

export const columns = ["--text-column", "message", "--label-column", "queue"];
