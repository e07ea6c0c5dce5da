import type { SourceFile } from "./sources.ts";

/** A constant that keeps something from growing. */
export interface Limit {
  readonly path: string;
  readonly name: string;
  readonly value: string;
  /** The comment above it, as one line. Empty when there is none. */
  readonly why: string;
}

/** Every limit in these files: by the naming rule, a constant whose name ends in MAX (and perhaps a unit). */
export function limitsOf(files: readonly SourceFile[]): readonly Limit[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split("\n");
    return lines.flatMap((line, i) => {
      const match = /^(?:export )?const ([A-Z0-9_]+)(?:: [^=]+)? = (.+);$/.exec(line);
      const [, name = "", value = ""] = match ?? [];
      if (!/(_MAX(_MS|_NS)?|_LIMIT_BYTES|_WINDOW_COUNTERS)$/.test(name) || formats.has(name)) return [];
      return [{ path, name, value, why: commentAbove(lines, i) }];
    });
  });
}

/** docs/LIMITS.md. */
export function describeLimits(limits: readonly Limit[]): string {
  const sections = folders.flatMap(({ folder, title }) => {
    const rows = limits.filter(({ path }) => path.startsWith(folder)).map((limit) => rowOf(limit, folder));
    return rows.length === 0
      ? []
      : [`## ${title}\n\n| constant | value | file | what and why |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`];
  });
  return `${introduction}\n${sections.join("\n")}`;
}

const introduction = `# Limits

Everything that grows has a limit, so that nobody outside can make a host run out of memory, and every limit has a reason. What happens
when a table is full is in the last column; packets that are dropped for it are counted under a name
(\`src/core/drop-reason.ts\`). The caps of the native data plane are those of the readable one: \`native/contract/SEMANTICS.md\`, section 1;
the rates of the limiters are in its sections 6 and 7.

This page is made from the source: \`npx vitest run test/architecture/limits -u\`.
`;

/** In this order; the first that fits has it. */
const folders = [
  { folder: "src/core/", title: "The core" },
  { folder: "lighthouse/", title: "The lighthouse" },
  { folder: "src/runtime/", title: "The runtime" },
  { folder: "src/admin/", title: "The admin socket" },
  { folder: "src/cli/", title: "The command line" },
  { folder: "certs/", title: "The certificate tool" },
];

/** Largest numbers that a format can hold. Nothing grows up to them. */
const formats: ReadonlySet<string> = new Set([
  "PORT_MAX",
  "FIELD_MAX",
  "ID_MAX",
  "VARINT_BYTES_MAX",
  "LENGTH_BYTES_MAX",
]);

/** The doc comment right above, or that of the constants in the same block of lines. */
function commentAbove(lines: readonly string[], constant: number): string {
  let end = constant - 1;
  while (/^(export )?const /.test(lines[end] ?? "")) end--;
  if (!(lines[end] ?? "").endsWith("*/")) return "";
  let start = end;
  while (start > 0 && !(lines[start] ?? "").startsWith("/**")) start--;
  const text = lines.slice(start, end + 1).map((line) => line.replace(/^\s*(\/\*\*|\*\/|\*)/, "").replace(/\*\/$/, ""));
  return text.join(" ").replaceAll(/\s+/g, " ").trim();
}

function rowOf({ path, name, value, why }: Limit, folder: string): string {
  return `| \`${name}\` | ${value.replaceAll(/(?<=\d)_(?=\d)/g, ",")} | ${path.slice(folder.length)} | ${why.replaceAll("|", "\\|")} |`;
}
