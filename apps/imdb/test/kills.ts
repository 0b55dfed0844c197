/** A small training of the IMDB app that is killed again and again. */
import { killAndResume } from "@ostinato/app/testing";
import { imdb } from "./runCli.ts";
import { columns, drawnRows, writeCsv } from "./tables.ts";

/** Trains for `epochs`, killed `kills` times at moments drawn from `seed`; expects the bytes of a training that was not. */
export function killReviews(folder: string, epochs: number, kills: number, seed: number): Promise<void> {
  const data = writeCsv(folder, drawnRows(240));
  const args = ["train", "--data", data, ...columns, "--units", "6", "--max-words", "60", "--batch-size", "16"];
  const length = ["--save-every", "4", "--epochs", String(epochs), "--patience", String(epochs)];
  return killAndResume(imdb, [...args, ...length], folder, kills, seed);
}
