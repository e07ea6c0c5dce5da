import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";

const UNIT = "examples/lacis.service";
const DATA_PLANE = "examples/lacis-dataplane.service";
const AUTHORITY = "examples/lacis-authority.service";
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe("the unit", () => {
  test.skipIf(!hasSystemd).each([
    [UNIT, 1.7],
    [DATA_PLANE, 1.9],
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
    for (const unit of [UNIT, DATA_PLANE]) {
      const lines = linesOf(unit);
      expect(lines, "one that hangs is noticed").toContain("WatchdogSec=30");
      for (const line of ["Type=notify", "RestartKillSignal=SIGUSR2", "StartLimitIntervalSec=0", "Restart=on-failure"])
        expect(lines, unit).toContain(line);
      expect(lines, unit).toContain("RuntimeDirectoryPreserve=restart");
    }
    expect(linesOf(UNIT)).toContain("WantedBy=multi-user.target");
    expect(linesOf(DATA_PLANE), "what moves packets is left alone").toContain("KillMode=process");
  });

  test("of the data plane starts before the daemon and ends when nobody needs it, and it alone has a privilege", () => {
    const [daemon, plane] = [linesOf(UNIT), linesOf(DATA_PLANE)];
    expect(daemon).toContain("Requires=lacis-dataplane.service");
    expect(daemon.find((line) => line.startsWith("After="))).toContain("lacis-dataplane.service");
    expect(plane).toContain("StopWhenUnneeded=yes");
    const privileges = (lines: readonly string[]) => lines.filter((line) => /^(Ambient)?Capabilit/.test(line));
    expect(privileges(daemon)).toEqual(["AmbientCapabilities=", "CapabilityBoundingSet="]);
    expect(privileges(plane)).toEqual(["AmbientCapabilities=CAP_NET_ADMIN", "CapabilityBoundingSet=CAP_NET_ADMIN"]);
    const broker = daemon.find((line) => line.startsWith("Environment="))?.replace("Environment=LACIS_BROKER=", "");
    expect(plane.find((line) => line.startsWith("ExecStart="))).toContain(` --listen ${broker} `);
  });

  test.skipIf(!hasSystemd)("holds nothing that systemd does not know", () => {
    const folder = mkdtempSync(join(tmpdir(), "lacis-units-"));
    try {
      const units = [UNIT, DATA_PLANE, AUTHORITY].map((unit) => join(folder, basename(unit)));
      // Whether the programs are installed here is not asked.
      for (const [i, unit] of [UNIT, DATA_PLANE, AUTHORITY].entries())
        writeFileSync(units[i] ?? "", readFileSync(unit, "utf8").replace(/^ExecStart=\S+/gm, "ExecStart=/bin/true"));
      const { stdout, stderr, status } = spawnSync("systemd-analyze", ["verify", ...units], { encoding: "utf8" });
      expect([stdout + stderr, status]).toEqual(["", 0]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the package's rule for polkit", () => {
  const answer = (user: string, id: string): unknown => {
    const rules: ((action: object, subject: object) => unknown)[] = [];
    const polkit = {
      Result: { YES: "yes", NOT_HANDLED: null },
      addRule: (rule: (typeof rules)[0]) => rules.push(rule),
    };
    runInNewContext(readFileSync("scripts/package/polkit.rules", "utf8"), { polkit });
    return rules.map((rule) => rule({ id }, { user })).find((each) => each !== null);
  };

  test("lets the daemon tell systemd-resolved what resolvectl is called for, and nobody anything else", () => {
    const wiring = readFileSync("src/runtime/platform/linux/resolver/resolved.ts", "utf8");
    const verbs = { dns: "set-dns-servers", domain: "set-domains", "default-route": "set-default-route" };
    const others = { llmnr: "set-llmnr", mdns: "set-mdns", dnssec: "set-dnssec", revert: "revert" };
    for (const [verb, action] of Object.entries({ ...verbs, ...others })) {
      expect(wiring).toContain(`["${verb}", device`);
      expect(answer("lacis", `org.freedesktop.resolve1.${action}`), action).toBe("yes");
    }
    expect(answer("lacis", "org.freedesktop.resolve1.register-service")).toBeUndefined();
    expect(answer("lacis", "org.freedesktop.systemd1.manage-units")).toBeUndefined();
    expect(readFileSync("scripts/package/polkit.rules", "utf8"), "ECMAScript 5").not.toMatch(/=>|`|\b(?:const|let) /);
    expect(answer("ann", "org.freedesktop.resolve1.set-domains")).toBeUndefined();
  });
});

function linesOf(unit: string): readonly string[] {
  return readFileSync(unit, "utf8").split("\n");
}

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
