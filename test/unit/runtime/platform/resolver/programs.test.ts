import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import { forget, resolvconfWiring } from "../../../../../src/runtime/platform/linux/resolver/resolvconf.ts";
import { resolvedWiring } from "../../../../../src/runtime/platform/linux/resolver/resolved.ts";

/** A device that every machine has. */
const DEVICE = "lo";
const WISH = { owner: "config-1f0c93ab", domain: "mesh", server: "10.77.0.2" as IpAddress, device: DEVICE };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "programs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("systemd-resolved", () => {
  test("is told of the device's server and domain, once, and forgets both", async () => {
    const said = program(
      "resolvectl",
      `case "$1 $#" in
        "dns 2") printf 'Link 1 (lo): %s\\n' "$(cat dns 2>/dev/null)" ;;
        "domain 2") printf 'Link 1 (lo): %s\\n' "$(cat domain 2>/dev/null)" ;;
        "dns 3" | "domain 3") echo "$3" > "$1" ;;
        "revert 2") rm -f dns domain ;;
      esac`,
    );
    const wiring = resolvedWiring(join(folder, "resolvectl"));
    expect(await wiring.wire(WISH)).toBe(true);
    expect(said()).toEqual([
      "domain lo",
      "dns lo",
      "dns lo 10.77.0.2",
      "domain lo ~mesh",
      "default-route lo false",
      "llmnr lo no",
      "mdns lo no",
      "dnssec lo no",
    ]);
    expect(await wiring.wire(WISH)).toBe(false);
    expect(await wiring.wire({ ...WISH, domain: "other" })).toBe(true);
    await wiring.unwire(WISH);
    expect(existsSync(join(folder, "dns"))).toBe(false);
    await wiring.unwire({ ...WISH, device: "none0" });
    expect(said().filter((line) => line.startsWith("revert"))).toEqual(["revert lo"]);
  });

  test("that refuses is passed on in its own words, with the command to try", async () => {
    program("resolvectl", "echo 'Failed to set DNS: Access denied' >&2; exit 1");
    await expect(resolvedWiring(join(folder, "resolvectl")).wire(WISH)).rejects.toMatchObject({
      complaint: {
        why: "Failed to set DNS: Access denied",
        todo: expect.stringMatching(/resolvectl (dns|domain) lo$/),
      },
    });
  });
});

describe("resolvconf", () => {
  test("is told of the server once, and forgets it, also what a run has told that was killed", async () => {
    const records = join(folder, "records");
    mkdirSync(records);
    program("resolvconf", `case "$1" in -a) cat > "records/$2" ;; -d) rm "records/$2" ;; esac`);
    const path = join(folder, "resolvconf");
    const record = join(records, "tun0.lacis-config-1f0c93ab");
    const wiring = resolvconfWiring(path, [records]);
    expect(await wiring.wire(WISH)).toBe(true);
    expect(readFileSync(record, "utf8")).toBe("nameserver 10.77.0.2\n");
    expect(await wiring.wire(WISH)).toBe(false);
    await wiring.unwire(WISH);
    expect(existsSync(record)).toBe(false);
    await wiring.wire(WISH);
    await forget(path, "other", [records]);
    expect(existsSync(record)).toBe(true);
    await forget(path, WISH.owner, [records]);
    await forget(path, WISH.owner, [records]);
    expect(existsSync(record)).toBe(false);
  });
});

/** A program of the system that does what a few lines of shell do, in the test's folder: what it was told so far. */
function program(name: string, lines: string): () => readonly string[] {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\ncd ${folder}\necho "$@" >> said\n${lines}\n`);
  chmodSync(path, 0o755);
  return () => {
    const said = readFileSync(join(folder, "said"), "utf8").trim().split("\n");
    // Two are asked at once.
    return [...said.slice(0, 2).sort().reverse(), ...said.slice(2)];
  };
}
