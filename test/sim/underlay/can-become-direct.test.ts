import { describe, expect, test } from "vitest";
import type { Dependence, PortAssignment } from "../nat/behaviour.ts";
import { canBecomeDirect, mayFindEachOther, type Party } from "./can-become-direct.ts";
import type { PaperSite } from "./paper-nat.ts";

type Kind = "none" | "full" | "address" | "port" | "symmetric";

describe("what was measured with stock Nebula between two routers", () => {
  test.each<[Kind, Kind, boolean]>([
    ["none", "none", true],
    ["none", "port", true],
    ["none", "symmetric", true],
    ["full", "full", true],
    ["full", "port", true],
    ["full", "symmetric", true],
    ["address", "port", true],
    ["address", "symmetric", true],
    ["port", "port", true],
    ["port", "symmetric", false],
    ["symmetric", "symmetric", false],
  ])("%s and %s: %s", (left, right, direct) => {
    expect(between(left, right)).toBe(direct);
    expect(between(right, left)).toBe(direct);
  });
});

describe("two hosts", () => {
  const carrier = (hairpinning: boolean): PaperSite[] => [
    { ...siteOf("carrier", "full"), nat: { ...siteOf("carrier", "full").nat, hairpinning } },
    { ...siteOf("left", "port"), within: "carrier" },
    { ...siteOf("right", "port"), within: "carrier" },
  ];

  test("in one home become direct, whatever their router is", () => {
    expect(canBecomeDirect([siteOf("left", "symmetric")], at("a", "left"), at("b", "left"))).toBe(true);
  });

  test("behind one carrier become direct only if it turns datagrams round", () => {
    expect(canBecomeDirect(carrier(false), at("a", "left"), at("b", "right"))).toBe(false);
    expect(canBecomeDirect(carrier(true), at("a", "left"), at("b", "right"))).toBe(true);
  });

  test("of which one is a customer of the carrier itself and the other in a home behind it become direct by its own address", () => {
    expect(canBecomeDirect(carrier(false), at("a", "left"), at("b", "carrier"))).toBe(true);
  });

  test("are kept apart by the strictest of the routers on the way", () => {
    const sites = [siteOf("carrier", "symmetric"), { ...siteOf("left", "full"), within: "carrier" }];
    expect(canBecomeDirect(sites, at("a", "left"), at("b", undefined))).toBe(true);
    expect(canBecomeDirect([...sites, siteOf("right", "port")], at("a", "left"), at("b", "right"))).toBe(false);
    expect(canBecomeDirect([...sites, siteOf("right", "full")], at("a", "left"), at("b", "right"))).toBe(true);
  });

  test("stay apart when the one mapping depends on ports and the other filter looks at them", () => {
    expect(pair({ mapping: "address-dependent" }, { filtering: "address-and-port-dependent" })).toBe(false);
    expect(pair({ mapping: "address-dependent" }, { filtering: "address-dependent" })).toBe(true);
  });
});

test("the predicate does not care who is asked about first", () => {
  const kinds: readonly Kind[] = ["none", "full", "address", "port", "symmetric"];
  for (const left of kinds) for (const right of kinds) expect(between(left, right)).toBe(between(right, left));
});

const symmetric = (name: string, portAssignment: PortAssignment): PaperSite => {
  const site = siteOf(name, "symmetric");
  return { ...site, nat: { ...site.nat, portAssignment } };
};

describe("where ports are predicted", () => {
  const predicted = (...sites: PaperSite[]): boolean =>
    canBecomeDirect(sites, at("a", "left"), at("b", "right"), { portsPredicted: true });

  test("a translator that counts its ports is found by whoever keeps one port, and by nobody else", () => {
    expect(predicted(symmetric("left", "sequential"), siteOf("right", "port"))).toBe(true);
    expect(predicted(siteOf("left", "port"), symmetric("right", "sequential"))).toBe(true);
    expect(predicted(symmetric("left", "random"), siteOf("right", "port"))).toBe(false);
    expect(predicted(symmetric("left", "sequential"), symmetric("right", "sequential"))).toBe(false);
  });

  test("one behind a carrier of its own is not", () => {
    const left = { ...symmetric("left", "sequential"), within: "carrier" };
    expect(predicted(siteOf("carrier", "port"), left, siteOf("right", "port"))).toBe(false);
  });
});

describe("two that are kept apart may find each other", () => {
  const found = (...sites: PaperSite[]): boolean => mayFindEachOther(sites, at("a", "left"), at("b", "right"));

  test.each<PortAssignment>(["preservation", "sequential", "swapped"])(
    "where the translator of one has ports that can be foreseen: %s",
    (portAssignment) => {
      expect(found(symmetric("left", portAssignment), siteOf("right", "port"))).toBe(true);
      expect(found(siteOf("left", "port"), symmetric("right", portAssignment))).toBe(true);
      expect(found(symmetric("left", portAssignment), symmetric("right", "preservation"))).toBe(true);
    },
  );

  test("and not where ports are drawn, by either translator, or where nothing is turned round", () => {
    expect(found(symmetric("left", "random"), siteOf("right", "port"))).toBe(false);
    expect(found(symmetric("left", "preservation"), symmetric("right", "random"))).toBe(false);
    const homes = [siteOf("left", "port"), siteOf("right", "port")].map((site) => ({ ...site, within: "carrier" }));
    const carrier = siteOf("carrier", "port");
    const sites = [{ ...carrier, nat: { ...carrier.nat, portAssignment: "preservation" as const } }, ...homes];
    expect(mayFindEachOther(sites, at("a", "left"), at("b", "right"))).toBe(false);
  });
});

function between(left: Kind, right: Kind): boolean {
  const sites = [
    ...(left === "none" ? [] : [siteOf("left", left)]),
    ...(right === "none" ? [] : [siteOf("right", right)]),
  ];
  return canBecomeDirect(
    sites,
    at("a", left === "none" ? undefined : "left"),
    at("b", right === "none" ? undefined : "right"),
  );
}

function pair(left: Partial<PaperSite["nat"]>, right: Partial<PaperSite["nat"]>): boolean {
  const sites = [
    { ...siteOf("left", "port"), nat: { ...siteOf("left", "port").nat, ...left } },
    { ...siteOf("right", "port"), nat: { ...siteOf("right", "port").nat, ...right } },
  ];
  return canBecomeDirect(sites, at("a", "left"), at("b", "right"));
}

function siteOf(name: string, kind: Kind): PaperSite {
  const filtering: Record<Kind, Dependence> = {
    none: "endpoint-independent",
    full: "endpoint-independent",
    address: "address-dependent",
    port: "address-and-port-dependent",
    symmetric: "address-and-port-dependent",
  };
  const mapping = kind === "symmetric" ? "address-and-port-dependent" : "endpoint-independent";
  return { name, within: undefined, nat: { mapping, filtering: filtering[kind], hairpinning: false } };
}

function at(name: string, site: string | undefined): Party {
  return { name, site };
}
