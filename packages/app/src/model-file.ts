/** Opens a trained model from a file. The format is detected from the contents, not from the name. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import {
  embedding,
  graphForm,
  type Model,
  ModelFileError,
  OstinatoError,
  type ReadOptions,
  sequential,
  type Trained,
} from "@ostinato/core";
import { loadModel } from "@ostinato/core/node";
import type { DecodingFiles, OnnxModel } from "@ostinato/onnx";
import { systemReason } from "./failures.ts";
import { isThere } from "./files.ts";
import { recordIn } from "./foreign.ts";

/** Options for opening a file; `layers` are the custom layers of the app. */
export interface OpenOptions extends ReadOptions {
  /** The network for files with only weights, which are rejected without one. */
  readonly network?: (() => Model) | undefined;
  /** Maps layers of the network to the names in a file with only weights, for cases that names and shapes do not decide. */
  readonly map?: Readonly<Record<string, string>> | undefined;
  /** Whether external data of an ONNX file may be read from its folder. */
  readonly externalData?: boolean | undefined;
}

/** A model from a file. */
export interface OpenedModel {
  readonly path: string;
  readonly trained: Trained;
  /** Whether the file contained only weights, so that the network is the one that was passed in. */
  readonly weightsOnly: boolean;
  /** The bytes of an ONNX file that `exportOnnx` wrote, which onnxruntime runs unchanged. */
  readonly onnx?: Uint8Array;
  /** The same for the two files that `exportDecoding` wrote. */
  readonly pair?: DecodingFiles;
}

type Found = Omit<OpenedModel, "path">;

/** A file format: its first bytes, and its reader. */
interface Format {
  begins(start: Uint8Array): boolean;
  read(path: string, options: OpenOptions): Promise<Found>;
}

/** The number of bytes for detecting the format. */
const startLength = 96;

const textAt = (start: Uint8Array, from: number, length: number): string =>
  Buffer.from(start.subarray(from, from + length)).toString("latin1");

/** An eight-byte length followed by a JSON object. */
const isSafetensors = (start: Uint8Array): boolean => textAt(start, 8, 1) === "{";
const isZip = (start: Uint8Array): boolean => textAt(start, 0, 4) === "PK\x03\x04";

/** The pickle that `torch.save` writes. */
const isPickle = (start: Uint8Array): boolean =>
  start[0] === 0x80 || (isZip(start) && textAt(start, 30, 66).includes(".pkl"));

/** In the order of detection. */
const formats: readonly Format[] = [
  { begins: isSafetensors, read: readSafetensors },
  { begins: isPickle, read: refusePickle },
  { begins: (start) => isZip(start) || textAt(start, 0, 4) === "\x89HDF", read: readKeras },
  // ONNX's IR version is the first field.
  { begins: (start) => start[0] === 0x08, read: readOnnx },
];

/**
 * Opens the model of a file: a file of this library, ONNX, Keras with or without the network, or a PyTorch state dict as safetensors.
 *
 * @throws ModelFileError, which names the path, if the file is missing, damaged, not a model, or contains weights without a network
 */
export async function openTrained(path: string, options: OpenOptions = {}): Promise<OpenedModel> {
  try {
    const start = await startOf(path);
    const format = formats.find(({ begins }) => begins(start));
    if (format === undefined)
      throw new ModelFileError(
        "the file is not a model; supported are models of this library, ONNX (.onnx), Keras (.keras, .h5) and PyTorch weights (.safetensors)",
      );
    return { path, ...(await format.read(path, options)) };
  } catch (error) {
    if (error instanceof ModelFileError && error.message.includes(path)) throw error;
    const reason = error instanceof OstinatoError ? error.message : systemReason(error);
    if (reason === undefined) throw error;
    throw new ModelFileError(`cannot read the model ${path}: ${reason}`, { cause: error });
  }
}

async function startOf(path: string): Promise<Uint8Array> {
  await using file = await open(path, "r");
  const { buffer, bytesRead } = await file.read(new Uint8Array(startLength), 0, startLength, 0);
  return buffer.subarray(0, bytesRead);
}

async function readSafetensors(path: string, options: OpenOptions): Promise<Found> {
  if (!(await isOurs(path))) return readPytorch(path, options);
  const { layers } = options;
  return { trained: await loadModel(path, layers && { layers }), weightsOnly: false };
}

const longestHeader = 100_000_000;

/** Whether a safetensors file belongs to this library. Damaged files count as ours, because our reader reports the damage. */
async function isOurs(path: string): Promise<boolean> {
  await using file = await open(path, "r");
  const { buffer } = await file.read(new Uint8Array(8), 0, 8, 0);
  const length = Number(new DataView(buffer.buffer).getBigUint64(0, true));
  if (length > Math.min(longestHeader, (await file.stat()).size)) return true;
  const header = await file.read(Buffer.alloc(length), 0, length, 8);
  try {
    const format: unknown = JSON.parse(header.buffer.toString("utf8")).__metadata__?.format;
    return typeof format === "string" && format.startsWith("ostinato-");
  } catch {
    return true;
  }
}

async function readPytorch(path: string, { network, map }: OpenOptions): Promise<Found> {
  const { loadPytorch } = await import("@ostinato/weights");
  const trained = loadPytorch(given(network), await readFile(path), map ? { map } : {});
  return { trained, weightsOnly: true };
}

/** Throws the `ModelFileError` of `loadPytorch`, which explains what to do. */
async function refusePickle(path: string): Promise<never> {
  const { loadPytorch } = await import("@ostinato/weights");
  loadPytorch(sequential([embedding({ inputDim: 1, outputDim: 1 })]), await readFile(path));
  throw new ModelFileError("it contains Python objects, which are not read");
}

async function readKeras(path: string, { network, map }: OpenOptions): Promise<Found> {
  const { importKeras, loadKeras } = await import("@ostinato/weights");
  const bytes = await readFile(path);
  // HDF5 files store the model as an attribute.
  const weightsOnly = !isZip(bytes) && !bytes.includes("model_config");
  if (!weightsOnly) return { trained: importKeras(bytes), weightsOnly };
  return { trained: loadKeras(given(network), bytes, map ? { map } : {}), weightsOnly };
}

/** The two files of a sequence model, by role. */
export const pairNames = { encode: "encode.onnx", decodeStep: "decodeStep.onnx" } as const;

/** Opens a model of two files, given one of them; the other must be in the same folder. */
async function readPair(path: string, half: string, { layers }: OpenOptions): Promise<Found> {
  const { importDecoding } = await import("@ostinato/onnx");
  const folder = dirname(path);
  const at = (name: keyof typeof pairNames) => (half === name ? path : join(folder, pairNames[name]));
  if (!(await isThere(at("decodeStep"))))
    throw new ModelFileError(`it is one of two files, ${half}, but ${pairNames.decodeStep} is not in the same folder`);
  const encode = (await isThere(at("encode"))) ? await readFile(at("encode")) : undefined;
  const pair = { decodeStep: await readFile(at("decodeStep")), ...(encode && { encode }) };
  return { trained: importDecoding(pair, layers && { layers }), weightsOnly: false, pair };
}

/** The role of a file; undefined for a complete model. */
function halfOf({ metadata = [] }: OnnxModel): string | undefined {
  const text = metadata.find(({ key }) => key === "ostinato.decoding")?.value;
  const half = text === undefined ? undefined : recordIn(text).half;
  return typeof half === "string" ? half : undefined;
}

async function readOnnx(path: string, { layers, externalData = false }: OpenOptions): Promise<Found> {
  const { decodeOnnx } = await import("@ostinato/onnx");
  const bytes = await readFile(path);
  const half = halfOf(decodeOnnx(bytes));
  if (half !== undefined) return readPair(path, half, layers ? { layers } : {});
  const { loadOnnx } = await import("@ostinato/onnx/node");
  const trained = await loadOnnx(path, { externalData, ...(layers && { layers }) }).catch((error: unknown) => {
    if (!(error instanceof ModelFileError) || !error.message.includes("externalData")) throw error;
    throw new ModelFileError(
      "its weights are stored in another file; use --external-data to read it from the same folder",
    );
  });
  // A graph model comes from another program and runs as our export.
  return { trained, weightsOnly: false, ...(graphForm(trained) ? {} : { onnx: bytes }) };
}

/** @throws ModelFileError for weights without a network */
function given(network: OpenOptions["network"]): Model {
  if (network) return network();
  throw new ModelFileError(
    "it contains weights but no network; export the model as ONNX with torch.onnx.export, or as .keras, or use train --init with the options that describe its network",
  );
}

/** The digest of a file. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex").slice(0, 32);
}
