import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { mapPort } from "../../../../src/runtime/port-mapping/map-port.ts";
import { replyIn } from "../../../../src/runtime/port-mapping/upnp/command.ts";
import { connectionsIn } from "../../../../src/runtime/port-mapping/upnp/connection.ts";
import { locationIn } from "../../../../src/runtime/port-mapping/upnp/discover.ts";
import { DESCRIPTION, descriptionOf, FakeGateway, type Gateway, granting, refusal, reply } from "./fake-gateway.ts";
import { REQUEST } from "./fake-router.ts";

const GATEWAY = "192.168.1.1" as IpAddress;
const PLACE = new URL("http://192.168.1.1:5000/root.xml");
let gateway: FakeGateway | undefined;
afterEach(() => {
  gateway?.close();
  gateway = undefined;
});

describe("a router that speaks UPnP only", () => {
  test("gives a port, with the address outside, and takes it back", async () => {
    const outcome = await ask({});
    expect(outcome).toMatchObject({
      kind: "mapped",
      protocol: "upnp-igd",
      mapping: { at: "203.0.113.8:4242", lifetimeMs: 7_200_000 },
    });
    if (outcome.kind !== "mapped") expect.fail(outcome.kind);
    await outcome.giveBack(500);
    expect(gateway?.asked).toEqual(["GET /root.xml", "GetExternalIPAddress", "AddPortMapping", "DeletePortMapping"]);
    expect(gateway?.bodies[2]).toContain(
      "<NewRemoteHost></NewRemoteHost><NewExternalPort>4242</NewExternalPort><NewProtocol>UDP</NewProtocol>" +
        "<NewInternalPort>4242</NewInternalPort><NewInternalClient>192.168.1.2</NewInternalClient>",
    );
  });

  test("that keeps mappings for ever only is asked for that, and asked again all the same", async () => {
    const outcome = await ask({
      answer: (command, body) =>
        command === "AddPortMapping" && body.includes("<NewLeaseDuration>7200<")
          ? [500, refusal(725)]
          : granting(command),
    });
    expect(outcome).toMatchObject({ kind: "mapped", mapping: { lifetimeMs: 7_200_000 } });
  });

  test("that gave the port to a neighbour is asked for another one, which is given back as well", async () => {
    const outcome = await ask({
      answer: (command, body) =>
        command === "AddPortMapping" && body.includes("<NewExternalPort>4242<")
          ? [500, refusal(718)]
          : granting(command),
    });
    expect(outcome).toMatchObject({ kind: "mapped", mapping: { at: "203.0.113.8:50184" } });
    if (outcome.kind !== "mapped") expect.fail(outcome.kind);
    await outcome.giveBack(500);
    expect(gateway?.bodies.at(-1)).toContain("<NewExternalPort>50184<");
  });

  test("that has given away every port is asked for four, and says so by a number", async () => {
    const taken: Gateway = {
      answer: (command) => (command === "AddPortMapping" ? [500, refusal(718)] : granting(command)),
    };
    expect(await ask(taken)).toEqual({ kind: "refused", protocol: "upnp-igd", code: 718 });
    expect(gateway?.asked.filter((command) => command === "AddPortMapping")).toHaveLength(4);
  });

  test.each([
    ["nested deeper than anybody writes", 9_000, "<a>", "</a>"],
    ["of nothing but services", 3_400, "<service>", "</service>"],
    ["that never ends", 21_000, "<a>", ""],
  ])("that describes itself in elements %s is as one that is not there", async (_, count, open, close) => {
    const inner = `${open.repeat(count)}${close.repeat(count)}`;
    expect(await ask({ description: `<root><URLBase>${inner}</URLBase></root>` })).toEqual({ kind: "no-answer" });
  });

  test.each<[string, string, Gateway]>([
    ["has a private address outside", "address-not-public", { answer: (command) => [200, reply(command, "10.0.0.1")] }],
    ["has no address outside", "malformed", { answer: (command) => [200, reply(command, "")] }],
    ["refuses with a word", "malformed", { answer: () => [500, refusal("no")] }],
    ["answers with a page", "malformed", { answer: () => [200, "<html><body>router</body></html>"] }],
  ])("that %s maps nothing: %s", async (_, why, kind) => {
    expect(await ask(kind)).toEqual({ kind: "nonsense", protocol: "upnp-igd", why });
  });

  test.each<[string, Gateway]>([
    ["leads to another host", { location: "http://127.0.0.2:1/root.xml" }],
    ["leads to a file", { location: "file:///etc/passwd" }],
    ["has a longer description than any", { description: DESCRIPTION + " ".repeat(70_000) }],
    [
      "has its commands elsewhere",
      { description: descriptionOf("urn:schemas-upnp-org:service:WANIPConnection:1", "http://192.0.2.1/control") },
    ],
    ["is a printer", { description: descriptionOf("urn:schemas-upnp-org:service:Printer:1", "/control") }],
  ])("that %s is as one that is not there", async (_, kind) => {
    expect(await ask(kind)).toEqual({ kind: "no-answer" });
    expect(gateway?.asked.filter((each) => !each.startsWith("GET"))).toEqual([]);
  });
});

describe("a description", () => {
  test.each([
    ["WANIPConnection:2", 1],
    ["WANIPConnection:1", 1],
    ["WANPPPConnection:1", 1],
    ["WANIPConnection:9", 0],
  ])("names %s", (type, count) => {
    const found = connectionsIn(descriptionOf(`urn:schemas-upnp-org:service:${type}`, "ctl"), PLACE, GATEWAY);
    expect(found).toHaveLength(count);
    for (const { control } of found) expect(control.href).toBe("http://192.168.1.1:5000/ctl");
  });

  test("with a document type is not looked at", () => {
    expect(connectionsIn(`<!DOCTYPE r [<!ENTITY a "b">]>${DESCRIPTION}`, PLACE, GATEWAY)).toEqual([]);
  });
});

test("no bytes and no text make a reader throw", () => {
  const spoiled = (text: string) =>
    fc
      .tuple(fc.nat(text.length), fc.nat(8), fc.string({ maxLength: 8 }))
      .map(([at, length, instead]) => text.slice(0, at) + instead + text.slice(at + length));
  const answer = `HTTP/1.1 200 OK\r\nLOCATION: ${PLACE}\r\n\r\n`;
  fc.assert(
    fc.property(spoiled(DESCRIPTION), spoiled(refusal(718)), spoiled(answer), (description, refused, announced) => {
      for (const { control } of connectionsIn(description, PLACE, GATEWAY)) expect(control.hostname).toBe(GATEWAY);
      replyIn(refused, "AddPortMapping");
      const place = locationIn(Buffer.from(announced), GATEWAY);
      if (place) expect(place.hostname).toBe(GATEWAY);
    }),
    { numRuns: 3_000 },
  );
});

async function ask(kind: Gateway) {
  gateway = await FakeGateway.create(kind);
  return mapPort(gateway.at, REQUEST);
}
