/** The importer of every operator that is read. */
import { elementwiseImporters } from "./elementwise.ts";
import type { Importers } from "./importing.ts";
import { movementImporters } from "./movement.ts";
import { selectionImporters } from "./selection.ts";
import { shapeImporters } from "./shapes.ts";

export const importers: Importers = {
  ...elementwiseImporters,
  ...movementImporters,
  ...selectionImporters,
  ...shapeImporters,
};
