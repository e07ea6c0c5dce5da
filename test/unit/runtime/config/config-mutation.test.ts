import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConfigError } from "../../../../src/core/config/document/config-error.ts";
import { Findings } from "../../../../src/core/config/document/findings.ts";
import { mergeFiles } from "../../../../src/core/config/document/merge.ts";
import { parseSettings } from "../../../../src/core/config/parse/parse-settings.ts";
import { SCHEMA } from "../../../../src/core/config/schema/schema.ts";
import { parseYaml } from "../../../../src/runtime/config/config-yaml.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { fittingPems, NOW } from "../../core/config/test-pki.ts";

/** A second or two each; CONFIG_RUNS=100000 for a long search. */
const RUNS = Number(process.env["CONFIG_RUNS"] ?? 300);

const pems = fittingPems();

/** What the parser says about a text: whether there are settings, and all that is wrong with it. */
function judge(text: string): { accepted: boolean; errors: readonly ConfigError[] } {
  const yaml = parseYaml("c.yml", text);
  if (!yaml.ok) return { accepted: false, errors: yaml.errors };
  const findings = new Findings();
  const document = mergeFiles([{ name: "c.yml", root: yaml.root }], findings);
  const { settings, errors } = parseSettings(document, pems, { suite: nodeSuite, wall: NOW }, findings);
  return { accepted: settings !== undefined, errors };
}

/** Accepted without an error, or refused with a place inside the text for each. */
function hasVerdict(text: string): boolean {
  const { accepted, errors } = judge(text);
  const lines = text.split(/\r\n|\n|\r/).length;
  const placed = errors.every(({ place, what }) => {
    return what !== "" && place !== undefined && place.line >= 1 && place.line <= lines && place.column >= 1;
  });
  return placed && accepted === (errors.length === 0);
}

const WHOLE = `pki: {ca: ca.crt, cert: host.crt, key: host.key, blocklist: []}
cipher: aes
static_host_map:
  "10.77.0.1": ["192.0.2.1:4242", "lighthouse.example:4242"]
static_map: {cadence: 30s, network: ip4}
lighthouse:
  am_lighthouse: false
  interval: 60
  hosts:
    - 10.77.0.1
  advertise_addrs: ["203.0.113.5:0"]
listen: {host: 0.0.0.0, port: 4242, send_recv_error: private}
punchy: &punchy
  punch: true
  delay: 1s
preferred_ranges: [172.16.0.0/24]
tun: {disabled: false, dev: nebula1, mtu: 1300}
firewall:
  conntrack: {tcp_timeout: 12m, udp_timeout: 3m, default_timeout: 10m}
  outbound:
    - {port: any, proto: any, host: any}
  inbound:
    - port: 443
      proto: tcp
      groups: [laptop, home]
`;

/** Pieces of YAML and of configurations, put together without sense. */
const fragments = fc.oneof(
  fc.constantFrom(
    ..."\n\t :-?[]{},#&*!|>'\"%@`~",
    "\n  ",
    "- ",
    ": ",
    "null",
    "~",
    "<<",
    "&a",
    "*a",
    "!!str",
    "---",
    "\r\n",
    "\u0000",
    "\uFEFF",
    "é",
  ),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "any",
    "fragment",
    "4242",
    "-1",
    "1e9",
    "0x10",
    "yes",
    "30s",
    "10.0.0.0/8",
    "::/0",
    "pkcs11:",
  ),
  fc.constantFrom(...SCHEMA.flatMap(({ path }) => path.split(".")).map((name) => name.replace("[]", ""))),
  fc.string({ unit: "binary", maxLength: 8 }),
);

const edits = fc.array(fc.record({ at: fc.nat(WHOLE.length), remove: fc.nat(12), insert: fragments }), {
  minLength: 1,
  maxLength: 6,
});

function edited(text: string, changes: readonly { at: number; remove: number; insert: string }[]): string {
  return changes.reduce(
    (before, { at, remove, insert }) => before.slice(0, at) + insert + before.slice(at + remove),
    text,
  );
}

describe("whatever a file holds, it is accepted or refused with places, and nothing is thrown:", {
  timeout: 60_000 + RUNS * 20,
}, () => {
  test("the whole of what is known", () => {
    expect(judge(WHOLE)).toEqual({ accepted: true, errors: [] });
  });

  test("a sound file with edits", () => {
    fc.assert(
      fc.property(edits, (changes) => hasVerdict(edited(WHOLE, changes))),
      { numRuns: RUNS, seed: 1 },
    );
  });

  test("pieces without sense", () => {
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 60 }), (pieces) => hasVerdict(pieces.join(""))),
      { numRuns: RUNS, seed: 2 },
    );
  });

  test("any value at any key", () => {
    const shapes = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, -1, 70_000, "", "any", "10.0.0.1:0", "30s"),
        fc.string({ unit: "binary", maxLength: 6 }),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom("port", "proto", "host", "groups", "cidr", "10.0.0.1", "__proto__", "x"),
          tie("value"),
          { maxKeys: 4 },
        ),
      ),
    }));
    const keys = fc.constantFrom(...SCHEMA.filter(({ path }) => !path.includes("[]")).map(({ path }) => path));
    fc.assert(
      fc.property(keys, shapes.value, (path, value) => {
        const nested = path.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
        return hasVerdict(JSON.stringify(nested));
      }),
      { numRuns: RUNS, seed: 3 },
    );
  });
});
