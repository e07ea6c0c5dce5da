import type { KeySpec } from "../../../../src/core/config/schema/key-spec.ts";
import { typeName } from "../../../../src/core/config/schema/type-name.ts";

/** docs/CONFIG.md, from the schema. Written by `npx vitest run test/unit/core/config/schema/schema.test.ts --update`. */
export function describeSchema(specs: readonly KeySpec[]): string {
  const names = new Set(specs.map(groupOf));
  const parts = [...names].map((name) => {
    const keys = specs.filter((spec) => groupOf(spec) === name);
    return [`## ${name}`, "", ...tableOf(keys)].join("\n");
  });
  return `${[INTRODUCTION, ...parts].join("\n\n")}\n`;
}

function groupOf({ path }: KeySpec): string {
  if (path.startsWith("firewall.inbound[]")) return "Rules: firewall.inbound[], firewall.outbound[]";
  return path.includes(".") ? path.slice(0, path.indexOf(".")) : "Top level";
}

function tableOf(keys: readonly KeySpec[]): readonly string[] {
  return [
    "| Key | Type | Default | Reload | Since | |",
    "|---|---|---|---|---|---|",
    ...keys.map((key) => {
      const reload = key.state.kind === "implemented" ? (key.reload === "live" ? "yes" : "restart") : "";
      const fallback = key.default === undefined ? "" : `\`${key.default || '""'}\``;
      return `| \`${key.path}\` | ${typeName(key.type)} | ${fallback} | ${reload} | ${key.since} | ${about(key)} |`;
    }),
  ];
}

function about({ state, about: sentence }: KeySpec): string {
  switch (state.kind) {
    case "implemented":
      return sentence;
    case "ignored":
      return `**No effect:** ${state.why}. ${sentence}`;
    case "alias":
      return `**Older spelling** of \`${state.of}\`.`;
    case "removed":
      return `**Gone:** ${state.instead}. ${sentence}`;
  }
}

const INTRODUCTION = `# Configuration

Lacis reads Nebula's configuration: the same YAML file with the same keys. This page is made from the table that the parser itself uses
(\`src/core/config/schema/schema.ts\`), so it cannot say anything else than the program does.

\`lacis check FILE\` reads a file the way \`lacis run\` does and lists everything that is wrong with it, each line as
\`file:line:column: key: what - why - what to do\`. Unlike Nebula, which skips what it does not know, Lacis refuses:

* a key that does not exist (\`firewal: unknown key - did you mean "firewall"?\`) or that stands in the wrong place;
* a value of the wrong type or out of range; there is no silent default for a mistyped value;
* a key that stands twice, tags other than YAML's own types, a second document, tabs as indentation;
* a number that begins with 0, and a fraction, power of ten or date without quotes, where readers of YAML disagree about what was written;
* a private key that others can read: \`chmod 600\` its file, or the configuration in which it stands. A file in a folder that lets nobody else in is taken, and so is
  what systemd hands to the service (\`LoadCredential=\`).

\`lacis config explain KEY\` says what is on this page about one key, \`lacis config diff\` what a reload would change.

Examples that work: [a host](../examples/host.yml), [a lighthouse](../examples/lighthouse.yml).

## One file or several

The path may name a directory. Then every \`*.yml\` and \`*.yaml\` file in it and below is read, in the order of their names; names that begin
with a dot are left out. Sections are merged key by key, a value in a later file replaces an earlier one, and a list in a later file is put
**before** the items of earlier files, as Nebula does. A list in one file and a map in another under the same key are an error.

A file may have up to 1 MiB.

Merge keys (\`<<: *name\`) and aliases work. A key at the top level whose name begins with \`x-\` is left alone: a place for anchors.

## Paths

A relative path in \`pki.ca\`, \`pki.cert\` or \`pki.key\` starts at **the directory of the configuration file in which it stands**, so that a
service, a shell in another directory and \`lacis check\` find the same file. This is the one place where Lacis reads a Nebula configuration
differently on purpose: Nebula starts at the working directory. If a file is missing there and one of that name stands in the working
directory, the error says so. Instead of a path, the PEM text itself may be given, as a block (\`key: |\`).

## Values

* Booleans: \`true\`, \`false\`, \`yes\`, \`no\`, \`y\`, \`n\`, \`t\`, \`f\`, \`1\`, \`0\`, in any case.
* Durations as in Go: \`250ms\`, \`30s\`, \`1h30m\`. A number without a unit is refused. Keys whose type says \`s\` take a number of seconds.
* Prefixes: \`10.0.0.0/8\`, \`fd00::/8\`; bits after the prefix are cleared.
* host:port: \`192.0.2.1:4242\`, \`[2001:db8::1]:4242\`, \`name.example:4242\`.

## Rules

A packet is let through when one rule of its direction matches; nothing else is. A rule matches when its protocol, its port and its peer
match: \`proto\` AND \`port\` AND (\`ca_sha\` OR \`ca_name\`, if given) AND (\`host\` OR \`group\`/\`groups\` OR \`cidr\`, if given). At least one of
those selectors must be given; \`host: any\` says everybody. \`port\` is the port of the side that is called. ICMP has no ports.

## Reload

**yes** in the column Reload: \`lacis reload\` or SIGHUP applies a change. **restart**: a reload keeps the running value and says so. A reload is
all or nothing: a configuration with an error changes nothing. A renewed certificate is taken if it has the same networks.

Since is the release of Nebula that introduced a key; 1.12 stands for what is not released yet.`;
