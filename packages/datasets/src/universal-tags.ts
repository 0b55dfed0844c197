/** The universal part-of-speech tags (Petrov, Das and McDonald 2012), and the tags of the Brown corpus as these. */
import { DatasetOptionError } from "./errors.ts";

/** The twelve universal tags: `.` is punctuation, `PRT` particles, `X` what is no English word. */
export const universalTags = [
  "NOUN",
  "VERB",
  "ADJ",
  "ADV",
  "PRON",
  "DET",
  "ADP",
  "NUM",
  "CONJ",
  "PRT",
  ".",
  "X",
] as const;

/** One of `universalTags`. */
export type UniversalTag = (typeof universalTags)[number];

/** The tags of the Brown corpus without what may stand behind them. */
const brownTags: Readonly<Record<UniversalTag, string>> = {
  NOUN: "nn nn$ nns nns$ np np$ nps nps$ nr nr$ nrs pn pn$ cd$",
  VERB: "be bed bedz beg bem ben ber bez do dod doz hv hvd hvg hvn hvz md vb vbd vbg vbn vbz",
  ADJ: "ap jj jjr jjs jjt od",
  ADV: "* ql qlp rb rbr rbt rn wql wrb",
  PRON: "pp$$ ppl ppls ppo pps ppss wpo wps",
  DET: "abx at dt dt$ dti dts dtx pp$ wdt wp$",
  ADP: "cs in",
  NUM: "cd",
  CONJ: "cc",
  PRT: "abl abn ap$ ex jj$ rb$ rp to uh",
  ".": "' '' ( ) , -- . : ``",
  X: "nil",
};

const universal = new Map(
  universalTags.flatMap((tag) => brownTags[tag].split(" ").map((brown): [string, UniversalTag] => [brown, tag])),
);

/** Words that were written as one, and what the universal tag set makes of them where the rule for such words says otherwise. */
const joined: ReadonlyMap<string, UniversalTag> = new Map([
  ["do+ppss", "X"],
  ["wdt+ber+pp", "X"],
  ["wdt+do+pps", "X"],
  ["wrb+in", "PRT"],
]);

/** In a title (`tl`), a headline (`hl`), or named and not used (`nc`). The corpus cuts long tags off. */
const use = /-(tl|hl|nc|t|n)$/;

/**
 * The universal tag of one of the Brown corpus's, in lower or upper case.
 *
 * Foreign words are `X`. A contraction of a word that is no verb with a verb, as "it's" or "who'll", is `PRT`; of any other the first word counts, as in "gonna".
 *
 * Throws `DatasetOptionError` for what is no tag of the corpus.
 *
 * @example
 * universalTag("nn-tl"); // "NOUN"
 * universalTag("PPS+BEZ"); // "PRT"
 */
export function universalTag(brownTag: string): UniversalTag {
  let tag = brownTag.toLowerCase();
  while (use.test(tag)) tag = tag.replace(use, "");
  if (tag.startsWith("fw-")) return "X";
  const whole = joined.get(tag);
  if (whole !== undefined) return whole;
  const [first, second] = tag.split("+").map(simpleTag);
  if (first === undefined) throw new DatasetOptionError("brownTag", "be a tag of the Brown corpus", brownTag);
  return second === "VERB" && first !== "VERB" ? "PRT" : first;
}

/** A tag of one word; `not` may be part of a verb: `md*`. */
function simpleTag(tag: string): UniversalTag | undefined {
  return universal.get(tag) ?? universal.get(tag.replace(/\*$/, ""));
}
