/** A trained model from a file of any kind, told by what it holds and not by its name. */
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

/** How a file is opened; `layers` are those of the app's own that it may have. */
export interface OpenOptions extends ReadOptions {
  /** The network for weights that come without one; such a file is refused where there is none. */
  readonly network?: (() => Model) | undefined;
  /** What layers of the network are called where weights come alone, where names and shapes do not tell. */
  readonly map?: Readonly<Record<string, string>> | undefined;
  /** Weights of an ONNX file may stand in others of its folder. */
  readonly externalData?: boolean | undefined;
}

/** A model out of a file. */
export interface OpenedModel {
  readonly path: string;
  readonly trained: Trained;
  /** The file held weights alone, and the network is the one that was handed in. */
  readonly weightsOnly: boolean;
  /** The bytes of an ONNX file that `exportOnnx` wrote: onnxruntime runs them as they are. */
  readonly onnx?: Uint8Array;
  /** The same of the two files that `exportDecoding` wrote. */
  readonly pair?: DecodingFiles;
}

type Found = Omit<OpenedModel, "path">;

/** A kind of file: how it begins, and what reads it. */
interface Format {
  begins(start: Uint8Array): boolean;
  read(path: string, options: OpenOptions): Promise<Found>;
}

/** So many bytes tell the kind of a file. */
const startLength = 96;

const textAt = (start: Uint8Array, from: number, length: number): string =>
  Buffer.from(start.subarray(from, from + length)).toString("latin1");

/** Eight bytes of length, and a JSON object. */
const isSafetensors = (start: Uint8Array): boolean => textAt(start, 8, 1) === "{";
const isZip = (start: Uint8Array): boolean => textAt(start, 0, 4) === "PK\x03\x04";

/** What `torch.save` writes, with Python's objects in it. */
const isPickle = (start: Uint8Array): boolean =>
  start[0] === 0x80 || (isZip(start) && textAt(start, 30, 66).includes(".pkl"));

/** In the order in which they are tried. */
const formats: readonly Format[] = [
  { begins: isSafetensors, read: readSafetensors },
  { begins: isPickle, read: refusePickle },
  { begins: (start) => isZip(start) || textAt(start, 0, 4) === "\x89HDF", read: readKeras },
  // The field of ONNX's version comes first.
  { begins: (start) => start[0] === 0x08, read: readOnnx },
];

/**
 * Opens the model of a file: one of this library's own, ONNX, Keras's with or without the network, or the state dict of PyTorch as safetensors.
 *
 * @throws ModelFileError, which names the path, where it is missing, damaged, no model, or weights without a network
 */
export async function openTrained(path: string, options: OpenOptions = {}): Promise<OpenedModel> {
  try {
    const start = await startOf(path);
    const format = formats.find(({ begins }) => begins(start));
    if (format === undefined)
      throw new ModelFileError(
        "this is no model: neither one of this library's, nor ONNX (.onnx), Keras (.keras, .h5), or the weights of PyTorch (.safetensors)",
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

/** Whether a safetensors file says that it is this library's; one that is damaged is taken for ours, whose reader says what is wrong. */
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

/** Throws `ModelFileError` with the way out, which `loadPytorch` knows. */
async function refusePickle(path: string): Promise<never> {
  const { loadPytorch } = await import("@ostinato/weights");
  loadPytorch(sequential([embedding({ inputDim: 1, outputDim: 1 })]), await readFile(path));
  throw new ModelFileError("it holds objects of Python, which are not read");
}

async function readKeras(path: string, { network, map }: OpenOptions): Promise<Found> {
  const { importKeras, loadKeras } = await import("@ostinato/weights");
  const bytes = await readFile(path);
  // The model is an attribute of an HDF5 file, if it is in it.
  const weightsOnly = !isZip(bytes) && !bytes.includes("model_config");
  if (!weightsOnly) return { trained: importKeras(bytes), weightsOnly };
  return { trained: loadKeras(given(network), bytes, map ? { map } : {}), weightsOnly };
}

/** The two files of a model that writes sequences, by what they are to each other. */
export const pairNames = { encode: "encode.onnx", decodeStep: "decodeStep.onnx" } as const;

/** Opens a model of two files by either of them; the other lies beside it. */
async function readPair(path: string, half: string, { layers }: OpenOptions): Promise<Found> {
  const { importDecoding } = await import("@ostinato/onnx");
  const folder = dirname(path);
  const at = (name: keyof typeof pairNames) => (half === name ? path : join(folder, pairNames[name]));
  if (!(await isThere(at("decodeStep"))))
    throw new ModelFileError(`it is one of two files, ${half}, and there is no ${pairNames.decodeStep} beside it`);
  const encode = (await isThere(at("encode"))) ? await readFile(at("encode")) : undefined;
  const pair = { decodeStep: await readFile(at("decodeStep")), ...(encode && { encode }) };
  return { trained: importDecoding(pair, layers && { layers }), weightsOnly: false, pair };
}

/** Which of two files it is; undefined for one that is a whole model. */
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
    throw new ModelFileError("its weights stand in another file; --external-data reads it from the same folder");
  });
  // A graph alone is what other programs wrote, and runs as an export of ours.
  return { trained, weightsOnly: false, ...(graphForm(trained) ? {} : { onnx: bytes }) };
}

/** @throws ModelFileError where weights have no network to go to */
function given(network: OpenOptions["network"]): Model {
  if (network) return network();
  throw new ModelFileError(
    "it holds weights, and no network; export the model as ONNX with torch.onnx.export, or as .keras, or train it further with train --init and the options that describe its network",
  );
}

/** Tells a file from any other. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex").slice(0, 32);
}
