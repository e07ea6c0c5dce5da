import { describe, expect, test } from "vitest";
import { errorsOf, SOUND, settingsOf, warningsOf } from "../parsed.ts";
import { fittingPems } from "../test-pki.ts";

describe("tun.unsafe_routes", () => {
  test("names a network and the host behind which it lies", () => {
    expect(routesOf("[{route: 192.168.7.0/24, via: 10.77.0.3}]")).toEqual([
      {
        prefix: { address: "192.168.7.0", bits: 24 },
        gateways: [{ address: "10.77.0.3", weight: 1 }],
        mtu: undefined,
        metric: 0,
        install: true,
      },
    ]);
  });

  test("takes everything that Nebula takes, and keeps a quoted metric", () => {
    const [route] = routesOf(`[{route: 192.168.7.0/24, via: [{gateway: 10.77.0.3, weight: "10"}, {gateway: 10.77.0.4}],
      mtu: 1200, metric: "300", install: "no"}]`);
    expect(route).toMatchObject({ mtu: 1200, metric: 300, install: false });
    expect(route?.gateways).toEqual([
      { address: "10.77.0.3", weight: 10 },
      { address: "10.77.0.4", weight: 1 },
    ]);
  });

  test("lets a gateway of weight 0 stand by", () => {
    const [route] = routesOf("[{route: 192.168.7.0/24, via: [{gateway: 10.77.0.3}, {gateway: 10.77.0.4, weight: 0}]}]");
    expect(route?.gateways.map(({ weight }) => weight)).toEqual([1, 0]);
  });

  test("keeps the proportions of weights of any size", () => {
    const [route] = routesOf(`[{route: 192.168.7.0/24, via: [{gateway: 10.77.0.3, weight: 2147483647},
      {gateway: 10.77.0.4, weight: 1073741823}, {gateway: 10.77.0.5, weight: 1}]}]`);
    expect(route?.gateways.map(({ weight }) => weight)).toEqual([65_535, 32_767, 1]);
  });

  test.each([
    ["{}", "a map where a list of routes belongs"],
    ["[192.168.7.0/24]", '"192.168.7.0/24" where a route belongs'],
    ["[{via: 10.77.0.3}]", "route: is missing"],
    ["[{route: 192.168.7.0/24}]", "via: is missing"],
    ["[{route: 192.168.7.0/33, via: 10.77.0.3}]", 'route: "192.168.7.0/33" is not a prefix'],
    ["[{route: 192.168.7.0/24, via: gw1}]", 'via: "gw1" is not an IP address'],
    ["[{route: 192.168.7.0/24, via: {gateway: 10.77.0.3}}]", "via: a map where an address belongs"],
    ["[{route: 192.168.7.0/24, via: []}]", "via: is an empty list"],
    ["[{route: 192.168.7.0/24, via: [10.77.0.3]}]", 'via[0]: "10.77.0.3" where a gateway belongs'],
    ["[{route: 192.168.7.0/24, via: [{weight: 1}]}]", "via[0].gateway: is missing"],
    ["[{route: 192.168.7.0/24, via: [{gateway: 10.77.0.3, weight: -1}]}]", "via[0].weight: -1 is out of range"],
    [
      "[{route: 192.168.7.0/24, via: [{gateway: 10.77.0.3, weigth: 1}]}]",
      'via[0].weigth: unknown key - did you mean "weight"?',
    ],
    ["[{route: 192.168.7.0/24, via: [{gateway: 10.77.0.3}, {gateway: 10.77.0.3}]}]", "via: names 10.77.0.3 twice"],
    ["[{route: 192.168.7.0/24, via: 10.77.0.3, mtu: 499}]", "mtu: 499 is out of range"],
    ["[{route: 192.168.7.0/24, via: 10.77.0.3, mtu: 9000}]", "mtu: 9000 is out of range"],
    ["[{route: 192.168.7.0/24, via: 10.77.0.3, metric: [1]}]", "metric: a list where one value belongs"],
    ["[{route: 192.168.7.0/24, via: 10.77.0.3, metric: 2147483648}]", "metric: 2147483648 is out of range"],
    ["[{route: 192.168.7.0/24, via: 10.77.0.3, install: maybe}]", 'install: "maybe" is not true or false'],
    ["[{route: 10.77.0.128/25, via: 10.77.0.3}]", "route: 10.77.0.128/25 is inside the overlay network 10.77.0.2/24"],
    ["[{route: 192.168.7.0/24, via: 192.168.7.1}]", "via: the gateway 192.168.7.1 is outside this host's networks"],
  ])("refuses %s by name", (value, complaint) => {
    const errors = errorsOf(`${SOUND}tun: {unsafe_routes: ${value}}`);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(complaint);
  });

  test("leaves out what this host is the gateway for, so that all hosts may have one list", () => {
    const text = `${SOUND}tun: {unsafe_routes: [{route: 192.168.7.0/24, via: [{gateway: 10.77.0.2}, {gateway: 10.77.0.3}]}]}`;
    expect(settingsOf(text).live.tun.unsafeRoutes).toEqual([]);
    expect(warningsOf(text)[0]).toContain("192.168.7.0/24 is not used here: this host is a gateway for it itself");
  });

  test("leaves out what lies behind this host by its certificate", () => {
    const pems = fittingPems({ unsafeNetworks: ["192.168.7.0/24"] });
    const text = `${SOUND}tun: {unsafe_routes: [{route: 192.168.7.0/24, via: 10.77.0.3}, {route: 192.168.7.8/29, via: 10.77.0.3}]}`;
    expect(settingsOf(text, pems).live.tun.unsafeRoutes.map(({ prefix }) => prefix.bits)).toEqual([29]);
    expect(warningsOf(text, pems).join()).toContain("it lies behind this host, as its certificate says");
  });

  test("lets the later of two routes for a prefix decide, as in Nebula, and says so", () => {
    const text = `${SOUND}tun: {unsafe_routes: [{route: 192.168.7.0/24, via: 10.77.0.3}, {route: 192.168.7.9/24, via: 10.77.0.4}]}`;
    expect(settingsOf(text).live.tun.unsafeRoutes.map(({ gateways }) => gateways[0]?.address)).toEqual(["10.77.0.4"]);
    expect(warningsOf(text).map((line) => line.replace(/^.*?: .*?: /, ""))).toEqual([
      "192.168.7.0/24 is given again below, which decides - remove this one",
      "is all of 192.168.7.0/24 - write 192.168.7.0/24",
    ]);
  });
});

describe("tun.routes", () => {
  test("gives parts of the overlay an MTU of their own", () => {
    const { routes } = settingsOf(`${SOUND}tun: {routes: [{route: 10.77.0.128/25, mtu: "8800"}]}`).live.tun;
    expect(routes).toEqual([{ prefix: { address: "10.77.0.128", bits: 25 }, mtu: 8_800 }]);
  });

  test.each([
    ["[{route: 10.77.0.128/25}]", "mtu: is missing"],
    ["[{route: 10.77.0.128/25, mtu: 499}]", "mtu: 499 is out of range"],
    ["[{route: 10.77.0.128/25, mtu: 10000}]", "mtu: 10000 is out of range"],
    ["[{route: 192.168.7.0/24, mtu: 1400}]", "route: 192.168.7.0/24 is outside this host's networks (10.77.0.2/24)"],
    ["[{route: 10.0.0.0/8, mtu: 1400}]", "route: 10.0.0.0/8 is outside this host's networks"],
    ["[{route: 10.77.0.128/25, mtu: 1400, via: 10.77.0.3}]", "via: unknown key"],
  ])("refuses %s by name", (value, complaint) => {
    const errors = errorsOf(`${SOUND}tun: {routes: ${value}}`);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(complaint);
  });
});

function routesOf(value: string) {
  return settingsOf(`${SOUND}tun: {unsafe_routes: ${value}}`).live.tun.unsafeRoutes;
}
