import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { obstacleTo } from "../../../../src/runtime/platform/linux/device-obstacle.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lacis-sys-"));
  file("proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n");
  file("proc/sys/net/ipv6/conf/default/disable_ipv6", "0\n");
});
afterEach(() => rmSync(root, { recursive: true }));

function file(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe("a name that something of another kind has is said to be that:", () => {
  test.each([
    ["a bridge", { uevent: "DEVTYPE=bridge\nINTERFACE=mesh0\n" }],
    ["a WireGuard device", { uevent: "DEVTYPE=wireguard\n" }],
    ["a macvlan device", { uevent: "DEVTYPE=macvlan\n" }],
    ["the loopback device", { uevent: "", type: "772\n" }],
    ["a device of another kind", { uevent: "", type: "1\n" }],
    ["a TAP device", { uevent: "", tun_flags: "0x1002\n" }],
  ])("%s", (kind, files) => {
    for (const [name, text] of Object.entries(files)) file(`sys/class/net/mesh0/${name}`, text);
    expect(obstacleTo({ name: "mesh0", ipv6: false }, root)).toEqual({
      why: `mesh0 exists and is ${kind}, not a TUN device`,
      todo: "choose another tun.dev",
    });
  });

  test("a TUN device with several queues", () => {
    file("sys/class/net/mesh0/tun_flags", "0x1101\n");
    expect(obstacleTo({ name: "mesh0", ipv6: false }, root)?.why).toBe(
      "mesh0 exists and is a TUN device with several queues",
    );
  });

  test("but not a TUN device, nor a name that nobody has, nor none", () => {
    file("sys/class/net/mesh0/tun_flags", "0x1001\n");
    for (const name of ["mesh0", "mesh1", ""]) expect(obstacleTo({ name, ipv6: true }, root)).toBeUndefined();
  });
});

describe("IPv6 that is switched off is named with the setting that does it", () => {
  test.each(["mesh0", "default", "all"])("%s", (where) => {
    file(`proc/sys/net/ipv6/conf/${where}/disable_ipv6`, "1\n");
    expect(obstacleTo({ name: "mesh0", ipv6: true }, root)).toEqual({
      why: `the certificate has an IPv6 address, and IPv6 is switched off here (net.ipv6.conf.${where}.disable_ipv6)`,
      todo: `switch it on: sysctl -w net.ipv6.conf.${where}.disable_ipv6=0 - or sign a certificate without an IPv6 address`,
    });
    expect(obstacleTo({ name: "mesh0", ipv6: false }, root)).toBeUndefined();
  });

  test("or that it is not there at all", () => {
    rmSync(join(root, "proc"), { recursive: true });
    expect(obstacleTo({ name: "mesh0", ipv6: true }, root)?.why).toMatch(/this system has no IPv6/);
  });
});
