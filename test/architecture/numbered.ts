import { sourceFiles } from "./sources.ts";

/** A test that says in its title which entry of a catalogue it shows. */
export interface Shown {
  readonly number: number;
  readonly title: string;
  readonly path: string;
}

/**
 * The tests of a catalogue, by number, then by file: `scenario(16, "title"` and titles that begin with "scenario 16: " or "scenario 16, fault 3: ", for the
 * word "scenario" or another one.
 */
export function numbered(word: string): readonly Shown[] {
  const call = new RegExp(`\\b${word}\\(\\s*(?<numbers>\\d+),\\s*(?<quote>["\`])(?<title>.*?)\\k<quote>`, "gs");
  const matches = sourceFiles(FOLDERS, ".test.ts").flatMap(({ path, text }) => [
    ...[...text.matchAll(call)].map(({ groups: { numbers = "", title = "" } = {} }) => ({
      number: Number(numbers),
      title: readable(title),
      path,
    })),
    ...[...text.matchAll(PREFIXED)].flatMap(({ groups: { prefix = "", title = "" } = {} }) =>
      [...prefix.matchAll(new RegExp(`\\b${word} (\\d+)`, "g"))].map(([, number]) => ({
        number: Number(number),
        title: readable(title),
        path,
      })),
    ),
  ]);
  return matches.sort((a, b) => a.number - b.number || a.path.localeCompare(b.path) || a.title.localeCompare(b.title));
}

/** What a title gets from variables is not known here. */
function readable(title: string): string {
  return title.replaceAll(/\$\{[^}]*\}|%[sj]/g, "…").replaceAll("|", "/");
}

const FOLDERS = ["conformance", "interop", "netns", "property", "sim", "unit"].map((folder) => `test/${folder}`);

/** `"scenario 16: title"`, `"scenario 16, scenario 17: title"` and `"scenario 16, fault 3: title"` at the beginning of a string. */
const PREFIXED =
  /(?<quote>["`])(?<prefix>(?:scenario|fault) \d+(?:, (?:scenario|fault) \d+)*): (?<title>.*?)\k<quote>/gs;
