import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  Scalar,
} from "yaml";
import type { ConfigError } from "../../core/config/document/config-error.ts";
import type { ConfigEntry, ConfigMap, ConfigNode, Place } from "../../core/config/document/document.ts";
import { showKey } from "../../core/config/document/show.ts";
import { type LookAlike, lookAlikeIn } from "./look-alikes.ts";
import { plainMeaning } from "./yaml-number.ts";

/** Levels of nesting; the deepest key of the schema is on the sixth. */
const DEPTH_MAX = 32;
/**
 * Words, brackets and line ends: ten thousand rules have 300,000. They are what takes the library's time: 1 us each at best, 7 us in the worst
 * file that was found.
 */
const LEXEMES_MAX = 400_000;
/** Aliases that are followed, and nodes in the tree with those that aliases repeat: a few lines may not grow into gigabytes. */
const ALIASES_MAX = 1_000;
const NODES_MAX = 200_000;
/** What the library says of everything behind a mistake: told only where nothing stands before it. */
const FOLLOWING = "UNEXPECTED_TOKEN";
/** Errors of one file that are reported: after the first few a syntax error only follows from another. */
const ERRORS_MAX = 20;

export type YamlOutcome =
  | { readonly ok: true; readonly root: ConfigMap }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/**
 * Reads the text of one file as a map. Only the plain part of YAML is taken: no tags but those of its own types, no second document, no key twice.
 * Messages are our own sentences, because those of the library quote the text, and the text may hold a private key.
 */
export function parseYaml(file: string, text: string): YamlOutcome {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(Math.max(offset, 0), text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = compose(text, lines, placeAt);
  if ("code" in document) return { ok: false, errors: [document] };
  if (document.errors.length > 0) {
    const errors = document.errors
      .filter(({ code }, i) => i === 0 || code !== FOLLOWING)
      .slice(0, ERRORS_MAX)
      .map(({ code, message, pos }) =>
        syntaxError(message.startsWith("Flow ") ? "OPEN_BRACKET" : code, placeAt(pos[0])),
      );
    const [first] = document.errors;
    const alike = first && lookAlikeUpTo(first.pos[0], text);
    return { ok: false, errors: alike ? [strangeCharacter(alike, placeAt(alike.offset))] : errors };
  }
  return new TreeBuilder(document, placeAt).build();
}

/** What a look-alike in the line of an error, or in the one before, has done; its offset counts from the beginning of the file. */
function lookAlikeUpTo(offset: number, text: string): LookAlike | undefined {
  const begin = text.lastIndexOf("\n", text.lastIndexOf("\n", offset - 1) - 1) + 1;
  const end = text.indexOf("\n", offset);
  const found = lookAlikeIn(text.slice(begin, end < 0 ? text.length : end));
  return found && { ...found, offset: begin + found.offset };
}

function strangeCharacter({ what, todo }: LookAlike, place: Place): ConfigError {
  return { code: "CONFIG_SYNTAX", place, path: "", what, todo };
}

/**
 * The library's pipeline by hand, because its composer calls itself for every level of nesting: on 100,000 levels the process dies where
 * no handler helps. The parser does not, and tells how deep it is.
 */
function compose(text: string, lines: LineCounter, placeAt: (offset: number) => Place): Document.Parsed | ConfigError {
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  let lexemes = 0;
  let errors = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (token.type === "error") errors++;
    }
    if (errors >= ERRORS_MAX) break;
    // Document and scalar stand on the stack too.
    if (parser.stack.length > DEPTH_MAX + 2) {
      return limitError(
        placeAt(parser.offset),
        `nested more than ${DEPTH_MAX} levels deep`,
        "no key is deeper than six",
      );
    }
    if (++lexemes > LEXEMES_MAX) {
      return limitError(
        placeAt(parser.offset),
        "too many words, brackets and lines",
        "split what is needed into several files",
      );
    }
  }
  tokens.push(...parser.end());
  const composer = new Composer({
    version: "1.2",
    schema: "failsafe",
    merge: false,
    uniqueKeys: false,
    logLevel: "silent",
  });
  let first: Document.Parsed | undefined;
  for (const document of composer.compose(tokens, true, text.length)) {
    if (first) return syntaxError("MULTIPLE_DOCS", placeAt(document.range[0]));
    first = document;
  }
  return first ?? limitError(placeAt(0), "cannot be read as YAML", "check the file");
}

/** Turns the library's nodes into ours, each with its place. */
class TreeBuilder {
  readonly #document: Document.Parsed;
  readonly #placeAt: (offset: number) => Place;
  readonly #errors: ConfigError[] = [];
  readonly #anchors = new Map<string, Node>();
  /** Nodes under construction: an alias to one of them would never end. */
  readonly #open = new Set<Node>();
  #aliases = 0;
  #nodes = 0;

  constructor(document: Document.Parsed, placeAt: (offset: number) => Place) {
    this.#document = document;
    this.#placeAt = placeAt;
  }

  build(): YamlOutcome {
    const { contents } = this.#document;
    const root = this.#node(contents, 0, 0);
    if (this.#errors.length > 0) return { ok: false, errors: this.#errors };
    if (root.kind === "map") return { ok: true, root };
    const what =
      root.kind === "null"
        ? "the file holds no settings"
        : `the file holds ${root.kind === "list" ? "a list" : "one value"}, not settings`;
    const todo = "write sections and keys, beginning with pki:";
    return { ok: false, errors: [{ code: "CONFIG_SHAPE", place: root.place, path: "", what, todo }] };
  }

  #node(node: Node | null, fallback: number, depth: number): ConfigNode {
    const place = this.#placeAt(node?.range?.[0] ?? fallback);
    const empty: ConfigNode = { kind: "null", place };
    if (!node) return empty;
    if (++this.#nodes > NODES_MAX || depth > DEPTH_MAX) {
      const what = depth > DEPTH_MAX ? `nested more than ${DEPTH_MAX} levels deep` : "aliases make it too large";
      this.#fail(limitError(place, what, "write the values out"));
      return empty;
    }
    if (isAlias(node)) return this.#alias(node.source, place, depth);
    if (node.tag && !PLAIN_TAGS.has(node.tag)) this.#fail(syntaxError("TAG_RESOLVE_FAILED", place));
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return empty;
    if (node.anchor) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#scalar(node, place);
    this.#open.add(node);
    const built: ConfigNode = isMap(node)
      ? { kind: "map", place, entries: this.#entries(node.items, place, depth) }
      : { kind: "list", place, items: node.items.map((item) => this.#node(item as Node, fallback, depth + 1)) };
    this.#open.delete(node);
    return built;
  }

  #entries(pairs: readonly { key: unknown; value: unknown }[], place: Place, depth: number): Map<string, ConfigEntry> {
    const entries = new Map<string, ConfigEntry>();
    const merged: ConfigEntry[] = [];
    for (const pair of pairs) {
      const key = pair.key as Node | null;
      const keyOffset = key?.range?.[0];
      const keyPlace = keyOffset === undefined ? place : this.#placeAt(keyOffset);
      if (!isScalar(key)) {
        this.#fail(syntaxError("NON_STRING_KEY", keyPlace));
        continue;
      }
      const text = String(key.value ?? "");
      this.#refuseQuoteAlike(key, keyPlace);
      const before = entries.get(text);
      if (before) {
        this.#fail(duplicateKey(text, keyPlace, before.keyPlace));
        continue;
      }
      const value = this.#node(pair.value as Node | null, key.range?.[1] ?? 0, depth + 1);
      if (text === "<<" && isPlain(key)) merged.push(...this.#merged(value, keyPlace));
      else entries.set(text, { key: text, keyPlace, value });
    }
    for (const entry of merged) if (!entries.has(entry.key)) entries.set(entry.key, entry);
    return entries;
  }

  /** What a merge key (YAML 1.1, "<<") adds to its map: the keys of one map or of several, of which the first that has a key gives it. */
  #merged(value: ConfigNode, place: Place): readonly ConfigEntry[] {
    const sources = value.kind === "list" ? value.items : [value];
    if (sources.length > 0 && sources.every(({ kind }) => kind === "map"))
      return sources.flatMap((source) => (source.kind === "map" ? [...source.entries.values()] : []));
    const what = 'a merge key ("<<") of something else than maps';
    this.#fail({ code: "CONFIG_SYNTAX", place, path: "", what, todo: "write <<: *name of an anchor at a map" });
    return [];
  }

  /** The YAML 1.2 core schema's nulls; a number in base 10; everything else stays the text it is. */
  #scalar(node: Scalar, place: Place): ConfigNode {
    const text = String(node.value ?? "");
    if (!isPlain(node)) return { kind: "scalar", place, text };
    if (/^(?:~|null|Null|NULL|)$/.test(text)) return { kind: "null", place };
    this.#refuseQuoteAlike(node, place);
    const meaning = plainMeaning(text);
    if ("text" in meaning) return { kind: "scalar", place, text: meaning.text };
    this.#fail({ code: "CONFIG_SYNTAX", place, path: "", what: meaning.refused, todo: meaning.todo });
    return { kind: "scalar", place, text };
  }

  /** Who writes a typographic quote before a value has meant to put it into quotes. */
  #refuseQuoteAlike(node: Scalar, place: Place): void {
    const alike = isPlain(node) ? lookAlikeIn(String(node.value ?? "").slice(0, 1)) : undefined;
    if (alike) this.#fail(strangeCharacter(alike, place));
  }

  #alias(name: string, place: Place, depth: number): ConfigNode {
    const target = this.#anchors.get(name);
    if (target && !this.#open.has(target) && ++this.#aliases <= ALIASES_MAX) return this.#node(target, 0, depth);
    if (!target) this.#fail(syntaxError("BAD_ALIAS", place));
    else if (this.#open.has(target))
      this.#fail(limitError(place, "an alias to the value that it is part of", "write the value out"));
    else this.#fail(limitError(place, `more than ${ALIASES_MAX} aliases`, "write the values out"));
    return { kind: "null", place };
  }

  #fail(error: ConfigError): void {
    if (this.#errors.length < ERRORS_MAX) this.#errors.push(error);
  }
}

/** Neither in quotes nor a block, and not said to be text by a tag. */
function isPlain({ type, tag }: Scalar): boolean {
  return (type === Scalar.PLAIN || type === undefined) && tag !== `${TAGS}str`;
}

const TAGS = "tag:yaml.org,2002:";
/** Those of YAML's own types; which type a value has is the key's business anyway. */
const PLAIN_TAGS: ReadonlySet<string> = new Set(
  ["str", "seq", "map", "int", "float", "bool", "null"].map((name) => `${TAGS}${name}`),
);

function limitError(place: Place, what: string, todo: string): ConfigError {
  return { code: "CONFIG_LIMIT", place, path: "", what, todo };
}

function duplicateKey(key: string, place: Place, before: Place): ConfigError {
  const what = `the key stands twice, first in line ${before.line}`;
  return { code: "CONFIG_DUPLICATE_KEY", place, path: showKey(key), what, todo: "put both into one" };
}

function syntaxError(code: string, place: Place): ConfigError {
  const [what, todo] = SYNTAX[code] ?? [
    "not valid YAML",
    "check indentation, quotes and brackets of this line and the one before",
  ];
  return { code: "CONFIG_SYNTAX", place, path: "", what, todo };
}

/** What the library's error codes mean to somebody who writes a configuration, and what to do. */
const SYNTAX: Readonly<Record<string, readonly [what: string, todo: string]>> = {
  TAB_AS_INDENT: ["a tab is used to indent", "use spaces"],
  BAD_INDENT: ["the indentation does not fit the lines before", "align it with the other keys or items of its section"],
  OPEN_BRACKET: ["a { or [ before this is not closed", "close it with } or ], or indent what belongs into it"],
  MULTILINE_IMPLICIT_KEY: ["a key goes over more than one line", "check that the line before ends its value"],
  BLOCK_AS_IMPLICIT_KEY: ["a second value on one line", "put it on a line of its own, or in quotes"],
  MISSING_CHAR: ["a quote, bracket, brace, comma or colon is missing", "check this line and the one before"],
  UNEXPECTED_TOKEN: ["something stands where it does not belong", "check quotes, brackets and indentation"],
  BAD_SCALAR_START: ["a value begins with a character that needs quotes", "put the value in quotes"],
  BAD_DQ_ESCAPE: ["a backslash in double quotes does not begin a known escape", "use single quotes"],
  BAD_ALIAS: [
    "an alias (*name) without an anchor (&name) before it",
    "put the value in quotes if it begins with a star",
  ],
  MULTIPLE_DOCS: ["a second document begins", "remove the line ---"],
  NON_STRING_KEY: ["a key is a list or a map", "write plain keys"],
  TAG_RESOLVE_FAILED: ["tags (!name) are not supported", "remove it, or put the value in quotes"],
  KEY_OVER_1024_CHARS: ["a key of more than 1024 characters", "check that a quote or bracket was closed"],
};
