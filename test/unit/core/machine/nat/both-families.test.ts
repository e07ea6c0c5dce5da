import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";
import type { Prefix } from "../../../../../src/core/netip/prefix.ts";
import { DEFAULT_BOOT } from "../../../fixtures/default-settings.ts";
import { type Flight, Mesh } from "../../../fixtures/mesh.ts";

const LIGHTHOUSE = { ipv4: "192.0.2.1:4242", ipv6: "[2001:db8::1]:4242" };
const HOST = { inside: "10.1.0.2:4242", outside: "203.0.113.1:4242", ipv6: "[2001:db8:1::2]:4242" };
const SESSION_UP_MS = 300;

describe("a host that has both address families, whose lighthouse hears it over IPv6", () => {
  test("is heard over IPv4 from then on if a translator is there, where only the lighthouse sees what that gives", () => {
    const { mesh, seenAt } = scenery();
    mesh.run(SESSION_UP_MS);
    mesh.delivers = () => true;
    expect(seenAt()).toBe(HOST.ipv6);
    mesh.run(3_000);
    expect(seenAt()).toBe(HOST.outside);
  });

  test("stays where it is if its own IPv4 address can be found by anybody", () => {
    const { mesh, seenAt, visits } = scenery({ own: "203.0.113.1" });
    mesh.run(SESSION_UP_MS);
    mesh.delivers = () => true;
    mesh.run(60_000);
    expect(seenAt()).toBe(HOST.ipv6);
    expect(visits()).toBe(0);
  });

  test("stays where it is if that lies in a range that is preferred", () => {
    const preferredRanges = [{ address: "2001:db8::" as IpAddress, bits: 32 }];
    const { mesh, seenAt, visits } = scenery({ preferredRanges });
    mesh.run(SESSION_UP_MS);
    mesh.delivers = () => true;
    mesh.run(60_000);
    expect(seenAt()).toBe(HOST.ipv6);
    expect(visits()).toBe(0);
  });

  test("goes on over IPv6 where IPv4 does not work, and tries it five times and then once a minute", () => {
    const { mesh, seenAt, visits } = scenery();
    mesh.run(12_000);
    expect(visits()).toBe(5);
    mesh.run(300_000);
    expect(seenAt()).toBe(HOST.ipv6);
    expect(visits()).toBeGreaterThanOrEqual(5 + 4);
    expect(visits()).toBeLessThanOrEqual(5 + 6);
  });
});

/** Nothing goes over IPv4 until a test lets it. */
function scenery(options: { readonly own?: string; readonly preferredRanges?: readonly Prefix[] } = {}) {
  const mesh = new Mesh();
  const inside = options.own === undefined ? HOST.inside : `${options.own}:4242`;
  const outside = options.own === undefined ? HOST.outside : inside;
  const isOfHost = (at: Endpoint) => at === inside || at === HOST.ipv6;
  mesh.leaves = (flight) => {
    const [ipv4, ipv6] = isOfHost(flight.from) ? [outside, HOST.ipv6] : [LIGHTHOUSE.ipv4, LIGHTHOUSE.ipv6];
    return { ...flight, from: (isIpv6(flight) ? ipv6 : ipv4) as Endpoint };
  };
  mesh.arrives = (flight) => (flight.to === HOST.outside ? { ...flight, to: inside as Endpoint } : flight);
  mesh.delivers = isIpv6;
  const lighthouse = mesh.host(LIGHTHOUSE.ipv4, { name: "lighthouse", networks: ["10.77.0.1/16"], amLighthouse: true });
  mesh.alias(lighthouse, LIGHTHOUSE.ipv6);
  const host = mesh.host(inside, {
    name: "host",
    networks: ["10.77.0.2/16"],
    lighthouses: ["10.77.0.1"],
    statics: { "10.77.0.1": [LIGHTHOUSE.ipv4, LIGHTHOUSE.ipv6] },
    boot: { listen: { ...DEFAULT_BOOT.listen, host: "::" as IpAddress } },
    live: { preferredRanges: options.preferredRanges ?? [] },
  });
  mesh.alias(host, HOST.ipv6);
  const addresses = [inside, HOST.ipv6].map((at) => at.replace(/^\[?(.*?)\]?:4242$/, "$1") as IpAddress);
  host.input({ kind: "local-addresses", addresses });
  /** Where the lighthouse sends what is for the host. */
  const seenAt = () => {
    const peer = lighthouse.status().peers.find(({ name }) => name === "host");
    return peer?.state === "up" ? peer.path : undefined;
  };
  const visits = () =>
    mesh.flights.filter(
      (flight) => flight.to === LIGHTHOUSE.ipv4 && flight.datagram[0] === 0x14 && flight.datagram[1] === 0,
    ).length;
  return { mesh, seenAt, visits };
}

function isIpv6({ to }: Flight): boolean {
  return to.startsWith("[");
}
