import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { whyText } from "../../../src/cli/render-why.ts";
import { styleFor } from "../../../src/cli/style.ts";
import { isOffline, whyArguments, whyOffline } from "../../../src/cli/why-offline.ts";
import { MeshFiles } from "../runtime/mesh-files.ts";

let files: MeshFiles;
beforeEach(() => {
  files = new MeshFiles();
});
afterEach(() => rmSync(files.folder, { recursive: true }));

const PLAIN = styleFor({ isTTY: false });

const ALL = "[{ port: any, proto: any, host: any }]";

/** The configuration of a new host with these rules, beside its certificate. */
function host(name: string, address: string, inbound: string, outbound = ALL): string {
  files.host(name, address, 4242, "");
  return rules(name, inbound, outbound);
}

function rules(name: string, inbound: string, outbound = ALL): string {
  const path = join(files.folder, `${name}.yml`);
  const written = files.configuration(name, 4242, "").split("\n").slice(0, 4);
  writeFileSync(path, [...written, "firewall:", `  inbound: ${inbound}`, `  outbound: ${outbound}`, ""].join("\n"));
  return path;
}

describe("lacis why between files", () => {
  test("says which rule of which line comes closest, who asks, and which rule would allow it, which then does", () => {
    const laptop = host("laptop", "10.77.0.2", "[]");
    const inbound = "[{port: 22, proto: tcp, host: any}, {port: 5432, proto: tcp, group: api}]";
    const db = host("db", "10.77.0.3", inbound);
    const report = whyOffline(whyArguments([laptop, db, "tcp/5432"]));
    expect(report).toMatchObject({
      verdict: "denied",
      service: "tcp/5432",
      from: { name: "laptop", address: "10.77.0.2", isBehind: false },
      to: { name: "db", address: "10.77.0.3" },
      sides: [
        { host: { name: "laptop" }, direction: "outbound", verdict: "allowed", reason: null },
        {
          host: { name: "db" },
          direction: "inbound",
          verdict: "denied",
          reason: "no-matching-rule",
          closest: { place: expect.stringMatching(/db\.yml:6$/), text: "tcp 5432 groups=api", misses: ["peer"] },
        },
      ],
    });
    expect(whyText(report, PLAIN)).toMatch(/^DENIED: tcp\/5432 from laptop \(10\.77\.0\.2\) to db \(10\.77\.0\.3\)\n/);
    const [, rule = ""] = /firewall\.inbound of db: - (\{.*\})$/.exec(report.hint ?? "") ?? [];
    rules("db", `${inbound.slice(0, -1)}, ${rule}]`);
    expect(whyOffline(whyArguments([laptop, db, "tcp/5432"]))).toMatchObject({ verdict: "allowed", hint: null });
  });

  test.each(["tcp/22", "udp/53", "icmp", "icmp/echo-reply", "gre"])(
    "gives a rule for %s that allows it, in either direction",
    (service) => {
      const [a, b] = [host("a", "10.77.0.2", "[]", "[]"), host("b", "10.77.0.3", "[]")];
      const ask = () => whyOffline(whyArguments([a, b, service]));
      const ruleIn = (hint: string | null, where: string): string =>
        new RegExp(`firewall\\.${where}: - (\\{.*\\})$`).exec(hint ?? "")?.[1] ?? "";
      const first = ask();
      expect(first.sides.map(({ verdict }) => verdict)).toEqual(["denied", "denied"]);
      rules("a", "[]", `[${ruleIn(first.hint, "outbound of a")}]`);
      const second = ask();
      expect(second.sides.map(({ verdict }) => verdict)).toEqual(["allowed", "denied"]);
      rules("b", `[${ruleIn(second.hint, "inbound of b")}]`);
      expect(ask().verdict).toBe("allowed");
    },
  );

  test("takes a certificate at one end, whose rules are then nobody's question", () => {
    host("laptop", "10.77.0.2", "[]");
    const db = host("db", "10.77.0.3", "[{port: 22, proto: tcp, host: laptop}]");
    const certificate = join(files.folder, "laptop.crt");
    expect(whyOffline(whyArguments([certificate, db, "tcp/22"]))).toMatchObject({
      verdict: "allowed",
      sides: [{ host: { name: "db" }, verdict: "allowed" }],
    });
  });

  test("says that there will be no tunnel when one end does not trust the other", () => {
    const laptop = host("laptop", "10.77.0.2", "[]");
    const other = new MeshFiles();
    other.host("db", "10.77.0.3", 4242, "");
    const stranger = join(other.folder, "db.crt");
    const report = whyOffline(whyArguments([laptop, stranger, "tcp/22"]));
    rmSync(other.folder, { recursive: true });
    expect(report).toMatchObject({ verdict: "denied", sides: [{ verdict: "denied", reason: "unknown-issuer" }] });
  });

  test.each<[string, readonly string[], string]>([
    ["no service", ["db"], "the number of arguments"],
    ["too many words", ["a", "b", "c", "tcp/22"], "the number of arguments"],
    ["a bad port", ["a.yml", "b.yml", "tcp/99999"], "port"],
    ["no start", ["b.yml", "tcp/22"], "FROM"],
    ["a host beside a file", ["laptop", "b.yml", "tcp/22"], "FROM"],
    ["a file that is not there", ["./no.crt", "./neither.crt", "tcp/22"], "FROM"],
  ])("with %s exits with 2 and names the field", (_, words, field) => {
    expect(() => whyOffline(whyArguments(words))).toThrowError(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining(`${field} makes no sense`) }),
    );
  });

  test("is what is meant only by files", () => {
    expect(isOffline({ from: "laptop", to: "db1", service: "tcp/22" })).toBe(false);
    expect(isOffline({ from: undefined, to: "10.77.0.3", service: "tcp/22" })).toBe(false);
    expect(isOffline({ from: undefined, to: "db.yml", service: "tcp/22" })).toBe(true);
    expect(isOffline({ from: "./hosts", to: "db", service: "tcp/22" })).toBe(true);
  });
});

test.each([
  ["a port that is none", ["db1", "tcp/99999"], "port makes no sense"],
  ["a protocol that is none", ["db1", "sctpp/3"], "makes no sense"],
])("refuses %s before anybody is asked, also where no daemon runs", (_, words, what) => {
  expect(() => whyArguments(words)).toThrow(what);
});
