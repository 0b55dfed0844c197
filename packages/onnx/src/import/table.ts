/** The table of importers by operator. */
import { activationImporters } from "./activations.ts";
import { controlImporters } from "./control.ts";
import { elementwiseImporters } from "./elementwise.ts";
import type { Importers } from "./importing.ts";
import { indexedImporters } from "./indexed.ts";
import { joiningImporters } from "./joining.ts";
import { linearImporters } from "./linear.ts";
import { movementImporters } from "./movement.ts";
import { normalizationImporters } from "./normalization.ts";
import { recurrenceImporters } from "./recurrent/recurrence.ts";
import { reduceImporters } from "./reduce.ts";
import { scanImporters } from "./scan.ts";
import { selectionImporters } from "./selection.ts";
import { shapeImporters } from "./shapes.ts";

export const importers: Importers = {
  ...elementwiseImporters,
  ...activationImporters,
  ...linearImporters,
  ...reduceImporters,
  ...movementImporters,
  ...recurrenceImporters,
  ...scanImporters,
  ...selectionImporters,
  ...joiningImporters,
  ...shapeImporters,
  ...indexedImporters,
  ...normalizationImporters,
  ...controlImporters,
};
