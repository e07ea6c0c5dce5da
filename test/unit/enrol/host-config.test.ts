import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { NetworkPlan } from "../../../src/core/enrolment/messages.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { hostConfig, lighthouseConfig } from "../../../src/enrol/host-config.ts";

const network = {
  name: "home",
  lighthouses: [{ overlay: ["10.77.0.1" as IpAddress], endpoints: ["192.0.2.1:4242"] }],
  relays: [],
} as unknown as NetworkPlan;

describe("the configuration that is written for", () => {
  test.each<[string, string]>([
    ["the host that founds a network", lighthouseConfig({ name: "home", device: "lacis0", port: 4242 })],
    ["a host that joins", hostConfig({ network, device: "lacis0", isGuest: false })],
    ["a host without a device", hostConfig({ network, device: undefined, isGuest: false })],
    ["a guest", hostConfig({ network, device: "lacis0", isGuest: true })],
  ])("%s refuses at once what no rule allows, in both directions, and goes by the network's policy", (_, text) => {
    const { firewall } = parse(text) as { readonly firewall: object };
    expect(firewall).toMatchObject({ policy: "network", inbound_action: "reject", outbound_action: "reject" });
  });

  test("a guest lets nothing in, and everybody else pings", () => {
    const inbound = (isGuest: boolean): unknown =>
      (parse(hostConfig({ network, device: "lacis0", isGuest })) as { firewall: { inbound: unknown } }).firewall
        .inbound;
    expect(inbound(true)).toEqual([]);
    expect(inbound(false)).toEqual([{ port: "any", proto: "icmp", host: "any" }]);
  });
});
