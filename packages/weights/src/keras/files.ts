/** Reads Keras files: the contents of archives and HDF5 files. */
import { bytesFrom, ModelFileError } from "@ostinato/core";
import { strFromU8 } from "fflate";
import type { Dataset } from "../hdf5/dataset.ts";
import { type Group, openHdf5 } from "../hdf5/read.ts";
import { isHdf5 } from "../hdf5/superblock.ts";
import { isZip, openZip } from "../zip.ts";
import { damaged, type Fields, parseFields } from "./json.ts";
import { memberAt } from "./variables.ts";

/** Weights in Keras 3 files, by the position of the layer in the model. */
export interface PlacedWeights {
  readonly kind: "placed";
  readonly root: Group;
}

/** Weights in files of Keras 2, and in `.h5` files of Keras 3: by layer name, in order. */
export interface NamedWeights {
  readonly kind: "named";
  readonly layers: ReadonlyMap<string, readonly Dataset[]>;
}

/** The contents of a Keras file. */
export interface KerasFile {
  /** The description of the model; absent in weight files. */
  readonly config?: Fields;
  readonly metadata?: Fields;
  /** Whether the file is from before Keras 3. */
  readonly isOlder: boolean;
  readonly weights: PlacedWeights | NamedWeights;
}

const CONFIG = "config.json";
const METADATA = "metadata.json";
const WEIGHTS = "model.weights.h5";

/** A list of strings, which Keras splits into `name0`, `name1`, … if it is long. */
function textsOf({ attributes }: Group, name: string): readonly string[] | undefined {
  const whole = attributes[name];
  if (whole !== undefined) return typeof whole === "string" ? [whole] : whole;
  const pieces: string[] = [];
  for (let k = 0; attributes[`${name}${k}`] !== undefined; k++)
    pieces.push(...[attributes[`${name}${k}`] ?? []].flat());
  return pieces.length > 0 ? pieces : undefined;
}

function namedWeights(root: Group): NamedWeights {
  const layers = new Map<string, readonly Dataset[]>();
  for (const layer of textsOf(root, "layer_names") ?? []) {
    const group = root.members.get(layer);
    if (group?.kind !== "group") throw damaged(`it has no weights for the layer "${layer.slice(0, 60)}"`);
    const arrays = (textsOf(group, "weight_names") ?? []).map((name) => {
      const found = memberAt(group, name);
      if (found?.kind !== "dataset") throw damaged(`it has no array "${name.slice(0, 60)}"`);
      return found;
    });
    layers.set(layer, arrays);
  }
  return { kind: "named", layers };
}

/** Whether a Keras version is older than 3. */
const isOlderVersion = (version: unknown): boolean => typeof version === "string" && /^[012]\./.test(version);

function readHdf5(bytes: Uint8Array): KerasFile {
  const root = openHdf5(bytes);
  const { model_config: config, keras_version: version } = root.attributes;
  const isOlder = isOlderVersion(version);
  const old = root.members.get("model_weights");
  if (old?.kind === "group")
    return {
      isOlder,
      weights: namedWeights(old),
      ...(typeof config === "string" ? { config: parseFields(config, "the description of the model") } : {}),
    };
  return { isOlder, weights: textsOf(root, "layer_names") ? namedWeights(root) : { kind: "placed", root } };
}

/** @throws ModelFileError for a path outside the folder to which an archive is extracted, as Keras requires */
function expectInside(name: string): void {
  if (/^[/\\]|^[A-Za-z]:|[\0\\]/.test(name) || name.split("/").includes(".."))
    throw damaged(`it has a member ${JSON.stringify(name.slice(0, 60))}, a path outside its folder`);
}

/**
 * Reads a Keras file in any of its formats: `.keras`, `.weights.h5`, or the older `.h5`.
 *
 * @throws ModelFileError for other or damaged files, and for values that are not bytes
 */
export function readKerasFile(file: Uint8Array | ArrayBuffer): KerasFile {
  const bytes = bytesFrom(file);
  if (isHdf5(bytes)) return readHdf5(bytes);
  if (!isZip(bytes))
    throw new ModelFileError(
      "this is not a Keras file: it is neither a .keras archive nor an HDF5 file (.weights.h5, .h5)",
    );
  const archive = openZip(bytes);
  archive.names.forEach(expectInside);
  const json = (name: string): Fields => parseFields(strFromU8(archive.member(name)), name);
  if (!archive.names.includes(WEIGHTS) && archive.names.includes(CONFIG))
    throw new ModelFileError(
      `the .keras archive has no ${WEIGHTS}; save the weights in one HDF5 file, the default of model.save`,
    );
  const metadata = archive.names.includes(METADATA) ? json(METADATA) : {};
  return {
    config: json(CONFIG),
    metadata,
    isOlder: isOlderVersion(metadata.keras_version),
    weights: { kind: "placed", root: openHdf5(archive.member(WEIGHTS)) },
  };
}

/** The members of a `.keras` archive. */
export const memberNames = { config: CONFIG, metadata: METADATA, weights: WEIGHTS } as const;
