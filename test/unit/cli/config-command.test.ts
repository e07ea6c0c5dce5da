import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compareConfigs, describeDiff } from "../../../src/cli/config-diff.ts";
import { explainKey, explanation } from "../../../src/cli/explain-key.ts";
import { SCHEMA } from "../../../src/core/config/schema/schema.ts";
import { MeshFiles } from "../runtime/mesh-files.ts";

describe("lacis config explain", () => {
  test("says what a key is for, what may stand there, its default, and when a change counts", () => {
    expect(explanation(explainKey("tun.mtu"))).toEqual([
      expect.stringMatching(/^tun\.mtu: Largest packet on the device\./),
      "  value      576 to 8969 bytes",
      "  default    1300",
      "  a change   is applied by a reload",
      "  known to   Nebula 1.0 and later",
    ]);
    expect(explanation(explainKey("listen.port"))).toContain("  a change   takes a restart");
    expect(explanation(explainKey("punchy.delay"))).toContain("  value      duration, 0ms to 60s");
    expect(explanation(explainKey("relay.peer_rate"))).toContain("  known to   Lacis only");
  });

  test("says what an older spelling stands for, what is in place of a key that is gone, and why one has no effect", () => {
    expect(explanation(explainKey("punch_back"))[1]).toBe("  an older spelling of punchy.respond");
    expect(explanation(explainKey("pki.blacklist"))[1]).toBe("  is gone: write pki.blocklist");
    expect(explanation(explainKey("handshakes.query_buffer"))[1]).toMatch(/^ {2}has no effect here: /);
  });

  test("lists the keys of a section, and finds the fields of rules however they are written", () => {
    expect(explanation(explainKey("static_map"))).toEqual([
      expect.stringMatching(/^static_map\.cadence: /),
      expect.stringMatching(/^static_map\.network: /),
      expect.stringMatching(/^static_map\.lookup_timeout: /),
    ]);
    const [cidr] = explainKey("firewall.inbound[].cidr");
    for (const way of ["firewall.outbound[3].cidr", "firewall.inbound.cidr", "firewall.outbound[].cidr"])
      expect(explainKey(way)).toEqual([cidr]);
  });

  test("knows every key of the schema", () => {
    for (const { path } of SCHEMA) expect(explainKey(path)[0]?.path, path).toBe(path);
  });

  test.each([
    ["respond", "say which: punchy.respond"],
    ["listen.prot", "did you mean listen.port?"],
    ["lightouse", "did you mean lighthouse"],
    ["wibble", "see docs/CONFIG.md, or explain a section such as lighthouse"],
  ])("of what is no key says what was meant: %s", (asked, todo) => {
    expect(() => explainKey(asked)).toThrow(todo);
  });
});

describe("lacis config diff", () => {
  let files: MeshFiles;
  let running: string;
  beforeEach(() => {
    files = new MeshFiles();
    running = files.host("laptop", "10.77.0.2", 4242, "lighthouse: {interval: 10}");
  });
  afterEach(() => rmSync(files.folder, { recursive: true }));

  const next = (port: number, more: string): string => {
    const path = join(files.folder, "next.yml");
    writeFileSync(path, files.configuration("laptop", port, more), { mode: 0o600 });
    return path;
  };

  test("says what a reload would apply and what only a restart, with both values", () => {
    expect(describeDiff(compareConfigs(running, next(4_243, "lighthouse: {interval: 60}")))).toEqual([
      "a reload would apply:",
      "  lighthouse.interval: 10 -> 60",
      "only a restart would apply:",
      "  listen.port: 4242 -> 4243",
      expect.stringMatching(/^warning: /),
    ]);
  });

  test("says of lists what goes and what comes", () => {
    const lists = (hosts: string): string => next(4242, `lighthouse: {interval: 10}\npreferred_ranges: [${hosts}]`);
    const one = lists("10.0.0.0/8, 172.16.0.0/12");
    const text = describeDiff(compareConfigs(running, one)).filter((line) => !line.startsWith("warning"));
    expect(text).toEqual([
      "a reload would apply:",
      "  preferred_ranges:",
      '    + "10.0.0.0/8"',
      '    + "172.16.0.0/12"',
    ]);
  });

  test("says that nothing would change, and refuses what a reload would refuse", () => {
    expect(describeDiff(compareConfigs(running, running))[0]).toBe("a reload would change nothing");
    expect(() => compareConfigs(running, next(70_000, ""))).toThrow(/cannot use the configuration/);
  });
});
