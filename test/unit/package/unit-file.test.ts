import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const UNIT = "examples/lacis.service";
const AUTHORITY = "examples/lacis-authority.service";
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe("the unit", () => {
  test.skipIf(!hasSystemd).each([
    [UNIT, 2.5],
    [AUTHORITY, 2.0],
  ])("%s is exposed by %d of 10 at most, as systemd counts it", (unit, most) => {
    const { stdout, stderr } = spawnSync("systemd-analyze", ["security", "--offline=true", "--no-pager", unit], {
      encoding: "utf8",
    });
    const score = /exposure level for \S+: (\d+\.\d)/.exec(stdout)?.[1];
    expect(Number(score), stdout + stderr).toBeLessThanOrEqual(most);
    expect(stderr).not.toMatch(/Unknown|ignoring/);
  });

  test("keeps tunnels at a restart, tries for as long as a boot takes, and is ready when it says so", () => {
    const lines = readFileSync(UNIT, "utf8").split("\n");
    const needed = ["Type=notify", "KillMode=process", "RestartKillSignal=SIGUSR2", "StartLimitIntervalSec=0"];
    expect(lines, "a daemon that hangs is noticed").toContain("WatchdogSec=30");
    for (const line of [...needed, "RuntimeDirectoryPreserve=restart", "WantedBy=multi-user.target"])
      expect(lines).toContain(line);
  });
});

describe("the package's scripts", () => {
  test.each(["postinst", "prerm", "postrm"])(
    "%s can be read by any shell, and stops at the first thing that fails",
    (name) => {
      const path = `scripts/package/${name}`;
      expect(spawnSync("sh", ["-n", path]).status).toBe(0);
      expect(readFileSync(path, "utf8")).toMatch(/^#!\/bin\/sh\nset -e\n/);
    },
  );
});
