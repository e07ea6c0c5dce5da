import { nearest } from "../../base/suggest.ts";
import type { ConfigErrorCode } from "../../config/document/config-error.ts";
import type { ConfigMap, ConfigNode, Place } from "../../config/document/document.ts";
import type { Findings } from "../../config/document/findings.ts";
import { show, showKey, showKind } from "../../config/document/show.ts";

/** A word of the document, and where it stands. */
export interface PlacedText {
  readonly text: string;
  readonly place: Place;
  readonly path: string;
}

/** What a document is read with: everything that is wrong is collected. */
export class PolicyReader {
  readonly findings: Findings;

  constructor(findings: Findings) {
    this.findings = findings;
  }

  error(
    at: { readonly place: Place },
    path: string,
    what: string,
    todo?: string,
    code: ConfigErrorCode = "CONFIG_VALUE",
  ): void {
    this.findings.error({ code, place: at.place, path, what, ...(todo !== undefined && { todo }) });
  }

  warn(at: { readonly place: Place }, path: string, what: string, todo: string): void {
    this.findings.warn({ code: "CONFIG_VALUE", place: at.place, path, what, todo });
  }

  /** Reports keys that are none of these, and those of these that have no value. */
  checkKeys(map: ConfigMap, path: string, known: readonly string[]): void {
    for (const { key, keyPlace, value } of map.entries.values()) {
      const own = path === "" ? showKey(key) : `${path}.${showKey(key)}`;
      if (known.includes(key)) {
        if (value.kind === "null") this.error(value, own, "has no value", "give it one or remove the line");
        continue;
      }
      const meant = nearest(key, known);
      const todo = meant === undefined ? `one of ${known.join(", ")} belongs here` : `did you mean ${meant}?`;
      this.error({ place: keyPlace }, own, "is not known", todo, "CONFIG_UNKNOWN_KEY");
    }
  }

  /** The one text that stands there; anything else is reported. */
  text(node: ConfigNode, path: string): PlacedText | undefined {
    if (node.kind === "scalar" && node.text !== "") return { text: node.text, place: node.place, path };
    const what = node.kind === "scalar" ? "is empty" : `${showKind(node)} where one value belongs`;
    this.error(node, path, what, undefined, "CONFIG_TYPE");
    return undefined;
  }

  /** The texts of a list, or the one that stands there without a list. */
  texts(node: ConfigNode, path: string): readonly PlacedText[] {
    if (node.kind !== "list") return [this.text(node, path)].filter((each) => each !== undefined);
    if (node.items.length === 0) this.error(node, path, "is an empty list", "name one or remove it");
    return node.items.flatMap((item, i) => this.text(item, `${path}[${i}]`) ?? []);
  }

  /** The value of a key that may be one of these words; the first of them where it is not given. */
  choice<Word extends string>(map: ConfigMap, path: string, key: string, words: readonly [Word, ...Word[]]): Word {
    const [usual] = words;
    const node = map.entries.get(key)?.value;
    if (!node || node.kind === "null") return usual;
    const own = path === "" ? key : `${path}.${key}`;
    const given = this.text(node, own);
    const word = words.find((each) => each === given?.text);
    if (given && word === undefined) this.error(given, own, `${show(given.text)} is not one of ${words.join(", ")}`);
    return word ?? usual;
  }
}
