/** A chart as SVG and PNG, without a browser. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as Plot from "@observablehq/plot";
import { writeFileAtomic } from "@ostinato/core/node";
import { Resvg } from "@resvg/resvg-js";
import { parseHTML } from "linkedom";

/** A line of the legend. */
export interface LegendEntry {
  readonly label: string;
  readonly colour: string;
}

export interface Chart {
  readonly title: string;
  readonly legend: readonly LegendEntry[];
  readonly options: Plot.PlotOptions;
}

const width = 720;
const height = 440;
const fontSize = 14;
const pixelsPerUnit = 2;

/** The chart as the text of an SVG file. Its legend stands beside the title, each entry in the colour of its line. */
function drawSvg({ title, legend, options }: Chart): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const anchored = { frameAnchor: "top-right", textAnchor: "end", fontWeight: "bold" } as const;
  const svg = Plot.plot({
    width,
    height,
    marginTop: 56,
    marginRight: 24,
    marginBottom: 48,
    marginLeft: 72,
    style: {
      background: "white",
      color: "#333",
      fontFamily: "PT Sans, system-ui, sans-serif",
      fontSize: `${fontSize}px`,
    },
    document,
    ...options,
    marks: [
      Plot.frame({ stroke: "#ccc" }),
      ...(options.marks ?? []),
      Plot.text([title], { frameAnchor: "top-left", dy: -38, fontSize: fontSize + 3, fontWeight: "bold" }),
      ...legend.map(({ label, colour }, line) =>
        Plot.text([`— ${label}`], { ...anchored, fill: colour, dy: -20 * (legend.length - line) - 2 }),
      ),
    ],
  });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return svg.outerHTML;
}

/** The font comes along: a machine need not have any. */
const fontFile = fileURLToPath(import.meta.resolve("@expo-google-fonts/pt-sans/400Regular/PTSans_400Regular.ttf"));
const boldFontFile = fileURLToPath(import.meta.resolve("@expo-google-fonts/pt-sans/700Bold/PTSans_700Bold.ttf"));

/** Letters that the font does not have, such as Arabic and Chinese ones, emoji, and what stands for a space in subwords. */
const otherScripts =
  /(?![\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Common}\p{Script=Inherited}])[\p{Letter}\p{Mark}]|\p{Emoji_Presentation}|\u2581/u;

/** Whether a picture with these texts takes fonts of the machine: the PNG may then lack letters. */
export const needsSystemFonts = (texts: readonly string[]): boolean => texts.some((text) => otherScripts.test(text));

/** The picture of an SVG text. */
function renderPng(svg: string): Uint8Array {
  const family = "PT Sans";
  return new Resvg(svg, {
    background: "white",
    fitTo: { mode: "zoom", value: pixelsPerUnit },
    font: {
      fontFiles: [fontFile, boldFontFile],
      loadSystemFonts: needsSystemFonts([svg]),
      defaultFontFamily: family,
      sansSerifFamily: family,
    },
  })
    .render()
    .asPng();
}

const isPng = (file: string): boolean => /\.png$/i.test(file);

/** Writes a chart into a file: as PNG where its name ends in .png, else as SVG. */
export async function writeChartFile(file: string, chart: Chart): Promise<void> {
  const svg = drawSvg(chart);
  await writeFileAtomic(file, isPng(file) ? renderPng(svg) : svg);
}

/** Writes NAME.svg and NAME.png into the folder; returns their paths. */
export async function writeChart(folder: string, name: string, chart: Chart): Promise<string[]> {
  const files = [join(folder, `${name}.svg`), join(folder, `${name}.png`)];
  for (const file of files) await writeChartFile(file, chart);
  return files;
}
