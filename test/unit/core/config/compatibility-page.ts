import type { KeySpec } from "../../../../src/core/config/schema/key-spec.ts";
import type { Unlike } from "../../../../src/core/config/schema/unlike-nebula.ts";

/**
 * docs/COMPATIBILITY.md, from the tables of the parser. Written by `npx vitest run test/unit/core/config/schema/schema.test.ts --update`.
 */
export function describeCompatibility(specs: readonly KeySpec[], unlike: readonly Unlike[]): string {
  const always = unlike.filter(({ path }) => path === "");
  const sections = [...new Set(specs.map(sectionOf))].map((name) => {
    const keys = specs.filter((spec) => sectionOf(spec) === name);
    const rows = keys.map((key) => `| \`${key.path}\` | ${sentenceOf(key, unlike)} |`);
    return [`## ${name}`, "", "| Key | Here |", "|---|---|", ...rows].join("\n");
  });
  const general = always.map(({ kind, says }) => `* ${LABELS[kind]}${says}.`).join("\n");
  return `${[INTRODUCTION, `## Whatever the configuration says\n\n${general}`, ...sections].join("\n\n")}\n`;
}

const LABELS: Readonly<Record<Unlike["kind"], string>> = {
  different: "**Different:** ",
  stricter: "**Stricter:** ",
  ours: "**Only here:** ",
  refused: "**Refused:** ",
};

function sectionOf({ path }: KeySpec): string {
  return path.includes(".") ? path.slice(0, path.indexOf(".")) : "Top level";
}

function sentenceOf({ path, state, since }: KeySpec, unlike: readonly Unlike[]): string {
  const rows = unlike.filter((row) => row.path === path).map(({ kind, says }) => `${LABELS[kind]}${says}.`);
  return [...(since === "lacis" ? ["**Only here.**"] : []), ...stateOf(state, rows.length === 0), ...rows].join(" ");
}

function stateOf(state: KeySpec["state"], alone: boolean): readonly string[] {
  switch (state.kind) {
    case "implemented":
      return alone ? ["As in Nebula."] : [];
    case "ignored":
      return [`Read, and without effect: ${state.why}.`];
    case "alias":
      return [`As \`${state.of}\`.`];
    case "removed":
      return [
        state.refused ? `Gone from Nebula, and refused: ${state.instead}.` : `Gone from Nebula: ${state.instead}.`,
      ];
  }
}

const INTRODUCTION = `# Beside Nebula, and in its place

A host of Lacis takes the place of a host of Nebula, in any role, beside releases from 1.6 to 1.11: the same certificates, the same configuration, the
same wire. This page is made from the tables that the program itself uses (\`src/core/config/schema\`), and so is what
\`lacis check --from-nebula FILE\` says about one configuration.

To swap a host, let its service start \`lacis\` where it started \`nebula\`, with the same options (\`-config PATH\`, \`-test\`, \`-version\` are
understood); \`nebula-cert\` and \`lacis-cert\` read each other's files. To go back, let it start \`nebula\` again: nothing that Nebula
reads has been changed. SIGHUP reloads, SIGTERM ends, exit codes are in [CLI.md](CLI.md).

A key without a remark does what it does in Nebula 1.11. Since Nebula ignores what it does not know and takes a default for what it cannot read, and Lacis refuses both
with the line, a configuration with a slip in it is refused here that seemed to work there.`;
