import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { interfacesAside } from "../../../../src/runtime/underlay/interface-class.ts";
import type { Interface, Way } from "../../../../src/runtime/underlay/interfaces.ts";

const ETH0 = device("eth0", "", "192.0.2.7/24");
const DOCKER0 = { ...device("docker0", "bridge", "172.17.0.1/16"), ports: ["veth"] };

describe("beside an interface that leads outward", () => {
  test.each<[string, Interface, string]>([
    ["a bridge of containers", DOCKER0, "containers"],
    ["a bridge without anybody in it", { ...DOCKER0, ports: [] }, "containers"],
    [
      "a bridge of virtual machines",
      { ...device("virbr0", "bridge", "192.168.122.1/24"), ports: ["tun"] },
      "containers",
    ],
    ["our end of a container's pair", device("cali7", "veth", "10.0.0.1/32"), "containers"],
    ["addresses of services", device("kube-ipvs0", "dummy", "10.96.0.1/32"), "containers"],
    ["the overlay of a cluster", device("flannel.1", "vxlan", "10.244.0.0/32"), "vpn"],
    ["WireGuard", device("wg0", "wireguard", "10.8.0.2/24"), "vpn"],
    ["a VPN over PPP", { ...device("ppp0", "ppp", "10.212.134.5/32"), ethernet: false }, "vpn"],
    ["a VPN in user space", { ...device("tailscale0", "tun", "100.100.1.2/32"), ethernet: false }, "vpn"],
  ])("%s is aside", (_, each, is) => {
    expect([...interfacesAside({ interfaces: [ETH0, each], ways: [way("eth0")] })]).toEqual([[each.name, is]]);
  });

  test.each<[string, Interface]>([
    ["other hardware", device("wlan0", "", "192.168.1.2/24")],
    ["a bridge with a network card in it", { ...device("br0", "bridge", "192.0.2.9/24"), ports: ["", "veth"] }],
    ["a part of a card", device("eth0.7", "vlan", "192.0.2.9/24")],
    ["two cards together", device("bond0", "bond", "192.0.2.9/24")],
    ["an address of its own on a card", device("mv0", "macvlan", "192.0.2.9/24")],
    ["a modem", { ...device("ppp0", "ppp", "203.0.113.9/32"), ethernet: false }],
    [
      "a modem of a carrier whose customers share addresses",
      { ...device("ppp0", "ppp", "100.72.0.9/32"), ethernet: false },
    ],
  ])("%s is not", (_, each) => {
    expect(interfacesAside({ interfaces: [ETH0, each], ways: [way("eth0")] }).size).toBe(0);
  });
});

describe("what has usually nobody at its other end", () => {
  test("leads outward in a container, and its own containers do not", () => {
    const inside = device("eth0", "veth", "172.17.0.2/16");
    expect([...interfacesAside({ interfaces: [inside, DOCKER0], ways: [way("eth0")] }).keys()]).toEqual(["docker0"]);
    expect(interfacesAside({ interfaces: [inside], ways: [] }).size).toBe(0);
  });

  test("leads outward when it has public addresses and the way to everybody of that family", () => {
    const sixInFour = { ...device("he0", "sit", "2001:db8:7::2/64"), ethernet: false };
    const ways = [way("eth0"), { ...way("he0"), family: 6 } as const];
    expect(interfacesAside({ interfaces: [ETH0, sixInFour], ways }).size).toBe(0);
    expect([...interfacesAside({ interfaces: [ETH0, sixInFour], ways: [way("eth0")] }).keys()]).toEqual(["he0"]);
  });

  test("is a VPN even when everything goes through it", () => {
    const wg0 = device("wg0", "wireguard", "10.8.0.2/24");
    expect([...interfacesAside({ interfaces: [ETH0, wg0], ways: [way("wg0")] }).keys()]).toEqual(["wg0"]);
  });

  test("counts where nothing else is there", () => {
    const wg0 = device("wg0", "wireguard", "10.8.0.2/24");
    expect(interfacesAside({ interfaces: [wg0], ways: [] }).size).toBe(0);
    expect(interfacesAside({ interfaces: [], ways: [] }).size).toBe(0);
  });
});

test("where nobody can tell what drives an interface, it leads outward", () => {
  const unknown = { ...device("docker0", "", "172.17.0.1/16"), kind: undefined };
  expect(interfacesAside({ interfaces: [ETH0, unknown], ways: [] }).size).toBe(0);
});

function device(name: string, kind: string, ...addresses: string[]): Interface {
  const parsed = addresses.flatMap((address) => parsePrefix(address) ?? []);
  return { name, kind, ethernet: true, ports: [], carrierChanges: 1, addresses: parsed };
}

function way(name: string): Way {
  return { family: 4, device: name, gateway: "192.0.2.1" as IpAddress };
}
