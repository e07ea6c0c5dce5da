import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { check } from "../../../src/cli/check-config.ts";
import { MeshFiles } from "../runtime/mesh-files.ts";

let files: MeshFiles;
let config: string;

beforeEach(() => {
  files = new MeshFiles();
  config = files.host("laptop", "10.77.0.2", 4242, "");
});
afterEach(() => rmSync(files.folder, { recursive: true }));

describe("lacis check", () => {
  test("of a good configuration ends with a line that says so", () => {
    const { ok, text, report } = check(config);
    expect(ok).toBe(true);
    expect(text.at(-1)).toEqual({ line: expect.stringMatching(/laptop\.yml: good/), wrong: false });
    expect(report.errors).toEqual([]);
    expect(report).not.toHaveProperty("effective");
  });

  test("of a bad one lists each error with its place, as lines and as data", () => {
    writeFileSync(config, files.configuration("laptop", 70_000, "firewal: {}"));
    const { ok, text, report } = check(config);
    expect(ok).toBe(false);
    expect(text.filter(({ line }) => /laptop\.yml:\d+:\d+: /.test(line)).length).toBeGreaterThanOrEqual(2);
    expect(report.errors.map(({ path, line }) => [path, line])).toEqual([
      ["listen.port", 2],
      ["firewal", 8],
    ]);
    expect(text.at(-1)?.line).toMatch(/^lacis: .* - 2 errors.* - correct and check again$/);
  });

  test("can show every key in force, where it was set, and no secret", () => {
    const { text, report } = check(config, { effective: true });
    expect(text.map(({ line }) => line)).toContainEqual(
      expect.stringMatching(/^listen\.port: 4242 {2}# .*laptop\.yml:2$/),
    );
    expect(text.map(({ line }) => line)).toContainEqual(expect.stringMatching(/^tun\.mtu: 1300 {2}# default$/));
    expect(JSON.stringify(report)).not.toContain("PRIVATE KEY");
  });

  test("of a host that runs Nebula says that nothing will be different, or what and where", () => {
    const same = check(config, { fromNebula: true });
    expect(same.report.differences?.filter(({ path }) => path !== "")).toEqual([]);
    expect(same.text.at(-1)?.line).toMatch(/^from Nebula: .* on this host - to swap, let the service start lacis/);
    writeFileSync(config, readFileSync(config, "utf8").replace(JSON.stringify(join(files.folder, "ca.crt")), "ca.crt"));
    const { text, report } = check(config, { fromNebula: true });
    expect(text.map(({ line }) => line)).toContainEqual(
      expect.stringMatching(/laptop\.yml:1:8: pki\.ca: different here - a relative path starts at the folder/),
    );
    expect(report.differences).toContainEqual(expect.objectContaining({ path: "pki.ca", line: 1, kind: "different" }));
    expect(check(config).report).not.toHaveProperty("differences");
  });

  test("of a file that is not there says so", () => {
    const { ok, report, text } = check("/nowhere/config.yml");
    expect({ ok, errors: report.errors }).toMatchObject({ ok: false, errors: [{ file: null }] });
    expect(text).toEqual([
      { line: "lacis: cannot check /nowhere/config.yml - it does not exist - check the path", wrong: true },
    ]);
  });
});
