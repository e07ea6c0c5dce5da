import { describe, expect, test } from "vitest";
import { pieceLine, piecesOf, type RolePiece } from "../../../src/cli/gateway-role.ts";
import type { Forwarding } from "../../../src/runtime/platform/platform.ts";
import { SOUND, settingsOf } from "../core/config/parsed.ts";
import { fittingPems } from "../core/config/test-pki.ts";

const GATEWAY = fittingPems({ unsafeNetworks: ["192.168.7.0/24"] });
const OPEN = SOUND.replace("icmp, host: any", "icmp, host: any, local_cidr: 192.168.0.0/16");

describe("lacis check on a gateway", () => {
  test("has nothing to miss when certificate, rule, forwarding and masquerading are there", () => {
    expect(states(OPEN, system({ isOn: true, masquerades: true }))).toEqual({
      certificate: "there",
      rule: "there",
      forwarding: "there",
      masquerading: "there",
    });
  });

  test("names each piece that is missing, and what to type", () => {
    const pieces = piecesOf(settingsOf(SOUND, GATEWAY).live, system({ isOn: false, masquerades: false }));
    expect(pieces.filter(({ state }) => state === "missing").map(pieceLine)).toEqual([
      "192.168.7.0/24 behind this host: rule MISSING - add local_cidr: 192.168.7.0/24 to a rule of firewall.inbound; without it a rule means this host alone",
      "192.168.7.0/24 behind this host: forwarding MISSING - turn on 4",
      "192.168.7.0/24 behind this host: masquerading MISSING - hosts in 192.168.7.0/24 answer only if they have a route to 10.77.0.0/24 through this host, or if it masquerades: from 10.77.0.0/24 to 192.168.7.0/24",
    ]);
  });

  test("names the certificate when a rule is about a network that it does not carry", () => {
    const [first] = piecesOf(settingsOf(OPEN).live, system({ isOn: true, masquerades: true }));
    expect(first).toMatchObject({ network: "192.168.0.0/16", piece: "certificate", state: "missing" });
  });

  test("takes a rule of default_local_cidr_any for one that covers the network", () => {
    const text = SOUND.replace("firewall:\n", "firewall:\n  default_local_cidr_any: true\n");
    expect(states(text, system({ isOn: true, masquerades: true }))["rule"]).toBe("there");
  });

  test("does not claim what it cannot see", () => {
    expect(states(OPEN, system({ isOn: undefined, masquerades: undefined }))).toMatchObject({
      forwarding: "unknown",
      masquerading: "unknown",
    });
  });
});

test("lacis check on a client tells of its route, and where the rest is seen", () => {
  const { live } = settingsOf(`${SOUND}tun: {unsafe_routes: [{route: 192.168.7.0/24, via: 10.77.0.3}]}`);
  expect(piecesOf(live, system({ isOn: false, masquerades: false })).map(pieceLine)).toEqual([
    "192.168.7.0/24 behind others: route there - through 10.77.0.3",
    "192.168.7.0/24 behind others: gateway unknown - lacis status of the running host sees the certificate of 10.77.0.3, lacis check there its rules",
  ]);
});

function states(text: string, forwarding: Forwarding): Readonly<Record<string, RolePiece["state"]>> {
  const pieces = piecesOf(settingsOf(text, GATEWAY).live, forwarding);
  return Object.fromEntries(pieces.map(({ piece, state }) => [piece, state]));
}

function system({ isOn, masquerades }: { isOn: boolean | undefined; masquerades: boolean | undefined }): Forwarding {
  return {
    isOn: () => isOn,
    masquerades: () => masquerades,
    turnOn: (family) => `turn on ${family}`,
    masquerade: (from, to) => `from ${from} to ${to}`,
  };
}
