import type { ImportOf } from "./sources.ts";

/**
 * Who may import whom (docs/ARCHITECTURE.md). `refusal` looks at one import and says what is wrong with it and what to use instead, or
 * undefined when it is fine.
 */
export function refusal(imported: ImportOf): string | undefined {
  if (!imported.ours) return refusePackage(imported);
  return refuseRole(imported) ?? refuseFloor(imported);
}

/** Roles are trust lines; the longest prefix wins. A role may import itself and what `may` names. */
const roles: readonly { readonly folder: string; readonly may: readonly string[]; readonly instead: string }[] = [
  { folder: "src/core/", may: [], instead: "the core imports nothing of ours outside itself: use Input and Output" },
  { folder: "lighthouse/", may: ["src/core/"], instead: "a lighthouse is pure: take what it needs as an argument" },
  {
    folder: "certs/cli/",
    may: ["certs/", "src/core/", "src/runtime/files/", "src/runtime/package-root.ts", "src/runtime/enrolment/"],
    instead: "the CA tool knows certificates and the service that lets hosts in, not hosts",
  },
  { folder: "certs/", may: ["src/core/"], instead: "certs/ uses the portable suite and knows no host" },
  { folder: "src/runtime/", may: ["src/core/"], instead: "compose in src/index.ts or src/cli and pass it in" },
  {
    folder: "src/enrol/",
    may: ["src/core/", "src/runtime/"],
    instead: "who joins makes files and asks the service; starting and asking the daemon is src/cli's",
  },
  {
    folder: "src/admin/",
    may: ["src/core/", "src/runtime/", "src/index.ts"],
    instead: "compose in src/index.ts or src/cli",
  },
  {
    folder: "src/cli/",
    may: ["src/", "lighthouse/"],
    instead: "a daemon cannot mint certificates: only certs/ touches a CA key",
  },
  {
    folder: "src/",
    may: ["src/", "lighthouse/"],
    instead: "a daemon cannot mint certificates: only certs/ touches a CA key",
  },
];

function refuseRole({ from, target }: ImportOf): string | undefined {
  const role = roles.find(({ folder }) => from.startsWith(folder));
  if (!role || target.startsWith(role.folder) || role.may.some((folder) => target.startsWith(folder))) return undefined;
  return `${from} imports ${target}: ${role.instead}`;
}

/** Floors of the core. A value comes from the same floor or a lower one; but one state machine never calls another. */
const floors: readonly (readonly string[])[] = [
  ["base", "netip", "path", "drop-reason.ts"],
  ["wire", "crypto", "route"],
  ["cert", "noise", "bulletin", "enrolment"],
  ["handshake", "peer", "discovery", "nat", "punch", "firewall", "dataplane", "config"],
  ["policy"],
  ["machine.ts", "facts.ts"],
  ["machine"],
  ["operator", "node.ts", "io.ts"],
];
/** Floors on which siblings do not know each other: what machines are made of, and the machines. */
const strict: ReadonlySet<number> = new Set([3, 6]);

/** Files that only say what things are. Their types may be named on every floor; a value that one of them holds may not. */
const seams = new Set([
  "src/core/cert/certificate.ts",
  "src/core/config/settings.ts",
  "src/core/dataplane/contract.ts",
  "src/core/firewall/rule.ts",
  "src/core/flow-story.ts",
  "src/core/io.ts",
  "src/core/notice.ts",
  "src/core/operator/event.ts",
  "src/core/operator/failure.ts",
  "src/core/peer/call.ts",
  "src/core/peer/parcel.ts",
]);

function refuseFloor({ from, target, typeOnly }: ImportOf): string | undefined {
  if (!from.startsWith("src/core/") || !target.startsWith("src/core/")) return undefined;
  if (typeOnly && (seams.has(target) || seams.has(from))) return undefined;
  const upper = placeOf(from);
  const lower = placeOf(target);
  if (upper.name === lower.name || lower.floor < upper.floor) return undefined;
  if (lower.floor === upper.floor && !strict.has(upper.floor)) return undefined;
  const advice =
    lower.floor === upper.floor ? "siblings meet one floor up, in node.ts" : "a floor knows only those below it";
  return `${from} (floor ${upper.floor}) imports ${target} (floor ${lower.floor}): ${advice}`;
}

/** A machine is a folder in `machine/`; what all of them share lies beside those folders. */
function placeOf(path: string): { readonly name: string; readonly floor: number } {
  const [, , folder = "", inner = ""] = path.split("/");
  const name = folder === "machine" ? `machine/${inner}` : folder;
  const on = folder === "machine" && inner.endsWith(".ts") ? inner : folder;
  const floor = floors.findIndex((names) => names.includes(on));
  return { name, floor: floor < 0 ? floors.length - 1 : floor };
}

/** Each third-party package has one importer, so that it can be judged, replaced and mocked in one place. */
const packageHomes: readonly { readonly name: RegExp; readonly homes: readonly string[]; readonly instead: string }[] =
  [
    { name: /^yaml$/, homes: ["src/runtime/config/config-yaml.ts"], instead: "take a ConfigDocument" },
    { name: /^pino$/, homes: ["src/runtime/log/log.ts"], instead: "tell an OperatorEvent or take a Log" },
    { name: /^prom-client$/, homes: ["src/runtime/metrics/exposition.ts"], instead: "make a Metric" },
    {
      name: /^@opentelemetry\/.+$/,
      homes: ["src/runtime/opentelemetry/otlp/"],
      instead: "take a Collector",
    },
    { name: /^openid-client$/, homes: ["certs/enrolment/sign-in/provider.ts"], instead: "take a Provider" },
    { name: /^ssh2$/, homes: ["src/runtime/console/ssh/"], instead: "make a ConsoleCommand" },
    { name: /^commander$/, homes: ["src/cli/", "certs/cli/"], instead: "take options as an argument" },
    {
      name: /^(@noble\/.+|tweetnacl)$/,
      homes: ["src/core/crypto/portable.ts"],
      instead: "take a CryptoSuite",
    },
    {
      name: /^@node-rs\/argon2$/,
      homes: ["certs/key-derivation.ts"],
      instead: "encrypt and decrypt CA keys with certs/encrypted-key.ts",
    },
    {
      name: /^better-sqlite3$/,
      homes: ["certs/enrolment/storage/sqlite.ts"],
      instead: "take a Database (certs/enrolment/storage)",
    },
    {
      name: /^pg$/,
      homes: ["certs/enrolment/storage/postgres.ts"],
      instead: "take a Database (certs/enrolment/storage)",
    },
    { name: /^fflate$/, homes: ["src/core/base/deflate.ts"], instead: "use deflated and inflated" },
    { name: /^re2js$/, homes: ["src/core/base/pattern.ts"], instead: "take a Pattern" },
    { name: /^dns-packet$/, homes: ["src/runtime/dns/wire.ts"], instead: "use runtime/dns/wire.ts" },
    { name: /^@xmldom\/xmldom$/, homes: ["src/runtime/port-mapping/upnp/xml.ts"], instead: "use upnp/xml.ts" },
    { name: /^qr$/, homes: ["certs/cli/qr-png.ts", "src/cli/qr-text.ts"], instead: "draw with qrPng or qrText" },
    {
      name: /^@bufbuild\/.+$/,
      homes: ["src/runtime/dataplane/contract/"],
      instead: "use runtime/dataplane/contract/codec.ts",
    },
    {
      name: /^node:crypto$/,
      homes: ["src/runtime/node-crypto.ts", "src/runtime/node-hash.ts"],
      instead: "take a CryptoSuite or an Entropy",
    },
    {
      name: /^node:(?!crypto$).+$/,
      homes: ["src/runtime/", "src/enrol/", "src/admin/", "src/cli/", "src/index.ts", "certs/"],
      instead: "the core does no I/O: use Input and Output",
    },
  ];

function refusePackage({ from, target }: ImportOf): string | undefined {
  const rule = packageHomes.find(({ name }) => name.test(target));
  if (!rule) return `${from} imports ${target}: this package has no home yet: name one in test/architecture/layers.ts`;
  if (rule.homes.some((home) => from.startsWith(home))) return undefined;
  return `${from} imports ${target}, whose home is ${rule.homes.join(" or ")}: ${rule.instead}`;
}
