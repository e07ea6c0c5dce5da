import { describe, expect, test } from "vitest";
import { errorsOf, SOUND } from "../parsed.ts";

describe("a key that does not belong is refused with the one that was meant:", () => {
  test.each([
    [
      "firewal:\n  inbound: []\n",
      'config.yml:8:1: firewal: unknown key - did you mean "firewall"? that is given too: put all of it there',
    ],
    [
      "lightouse:\n  interval: 5\n",
      'config.yml:8:1: lightouse: unknown key - did you mean "lighthouse"? that is given too: put all of it there',
    ],
    ["listen:\n  prot: 4242\n", 'config.yml:9:3: listen.prot: unknown key - did you mean "port"?'],
    ["Punchy:\n  punch: true\n", 'config.yml:8:1: Punchy: unknown key - did you mean "punchy"?'],
    ["punchy:\n  respnod: true\n", 'config.yml:9:3: punchy.respnod: unknown key - did you mean "respond"?'],
    ["tun:\n  device: lacis0\n", 'config.yml:9:3: tun.device: unknown key - did you mean "dev"?'],
    [
      "static_hosts_map: {}\n",
      'config.yml:8:1: static_hosts_map: unknown key - did you mean "static_host_map"? that is given too: keep one of them',
    ],
    ["chipher: aes\n", 'config.yml:8:1: chipher: unknown key - did you mean "cipher"?'],
    ["static-map:\n  cadence: 30s\n", 'config.yml:8:1: static-map: unknown key - did you mean "static_map"?'],
    [
      "tunnels:\n  inactivity_timout: 5m\n",
      'config.yml:9:3: tunnels.inactivity_timout: unknown key - did you mean "inactivity_timeout"?',
    ],
  ])("%j", (text, error) => {
    expect(errorsOf(SOUND + text)).toEqual([error]);
  });

  test("one letter less in the same section comes before the same name elsewhere", () => {
    expect(errorsOf("lighthouse:\n  host: [10.77.0.1]\n")).toContain(
      'config.yml:2:3: lighthouse.host: unknown key - did you mean "hosts"?',
    );
  });

  test("without a resemblance the keys of its section are", () => {
    expect(errorsOf(`${SOUND}static_map: {wibble: 1}\n`)).toEqual([
      "config.yml:8:14: static_map.wibble: unknown key - keys of static_map are cadence, network, lookup_timeout",
    ]);
  });

  test("without a resemblance at the top level nothing is suggested", () => {
    expect(errorsOf(`${SOUND}wibble: 1\n`)).toEqual(["config.yml:8:1: wibble: unknown key"]);
  });
});

test("a section that no key resembles may hold anchors, under a name that says so", () => {
  expect(errorsOf(`${SOUND}wibble: {a: 1}\n`)).toEqual([
    'config.yml:8:1: wibble: unknown key - remove it; if it only holds anchors for aliases, let its name begin with "x-"',
  ]);
  expect(errorsOf(`${SOUND}x-wibble: {a: 1}\n`)).toEqual([]);
});

describe("a key in the wrong place is refused with the right one:", () => {
  test.each([
    [
      "inbound: []\n",
      "config.yml:8:1: inbound: unknown here - inbound belongs under firewall: where it is given too: keep one of them",
    ],
    ["am_lighthouse: true\n", "config.yml:8:1: am_lighthouse: unknown here - am_lighthouse belongs under lighthouse:"],
    ["port: 4242\n", "config.yml:8:1: port: unknown here - port belongs under listen:"],
    ["dns: {host: 10.77.0.1}\n", "config.yml:8:7: dns.host: unknown here - host belongs under lighthouse.dns:"],
    [
      "relay: {dns: {host: 10.77.0.1, port: 53}}\n",
      "config.yml:8:9: relay.dns: unknown here - dns belongs under lighthouse:",
    ],
    [
      "relay: {dns: {domain: mesh}}\n",
      "config.yml:8:9: relay.dns: unknown here - it belongs to the top level, without indentation",
    ],
    [
      "tun: {cipher: aes}\n",
      "config.yml:8:7: tun.cipher: unknown here - it belongs to the top level, without indentation",
    ],
    [
      "listen: {static_host_map: {}}\n",
      "config.yml:8:10: listen.static_host_map: unknown here - it belongs to the top level, without indentation, where it is given too: keep one of them",
    ],
    ["listen.port: 4242\n", 'config.yml:8:1: "listen.port": unknown here - write port: under listen:'],
  ])("%j", (text, error) => {
    expect(errorsOf(SOUND + text)).toEqual([error]);
  });
});

test("names that every object has are keys like any other", () => {
  expect(errorsOf(`${SOUND}__proto__: {polluted: yes}\nconstructor: 2\ntoString: 1\n`)).toEqual([
    'config.yml:8:1: __proto__: unknown key - remove it; if it only holds anchors for aliases, let its name begin with "x-"',
    "config.yml:9:1: constructor: unknown key",
    "config.yml:10:1: toString: unknown key",
  ]);
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

test("a key that may be a pasted secret is not repeated", () => {
  const secret = "ZhGAPFCDcoaFZcpi1YK8TkZgeBkTY2j8Br/dBpDWM+A=";
  expect(errorsOf(`${SOUND}? ${secret}\n: 1\n`)).toEqual(["config.yml:8:3: a text of 44 characters: unknown key"]);
});

test("thousands of unknown keys are counted, not listed", () => {
  const errors = errorsOf(Array.from({ length: 5_000 }, (_, i) => `unknown_${i}: 1`).join("\n"));
  expect(errors).toHaveLength(101);
  expect(errors.at(-1)).toMatch(/and 4\d\d\d more errors/);
});
