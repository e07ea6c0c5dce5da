import { describe, expect, test } from "vitest";
import { SCHEMA } from "../../../../../src/core/config/schema/schema.ts";
import { errorsOf, SOUND, settingsOf, warningsOf } from "../parsed.ts";

describe("no key of Nebula", () => {
  test("is refused: each is obeyed, read in another spelling, gone from Nebula, or said to have no effect, and why", () => {
    const kinds = new Set(SCHEMA.map(({ state }) => state.kind));
    expect([...kinds].sort()).toEqual(["alias", "ignored", "implemented", "removed"]);
    const gone = SCHEMA.flatMap(({ path, state }) => (state.kind === "removed" && state.refused ? [path] : []));
    expect(gone).toEqual(["pki.blacklist", "x509", "local_range"]);
  });

  test("minds its default said in another way", () => {
    const conntrack = "conntrack: {tcp_timeout: 720s, udp_timeout: 3m0s, default_timeout: 10m}";
    const text = `${SOUND}  ${conntrack}\n  inbound_action: DROP\n  default_local_cidr_any: no\n`;
    expect(warningsOf(text)).toEqual([]);
  });
});

describe("a key that has no effect here", () => {
  test("is accepted with a warning", () => {
    expect(warningsOf(`${SOUND}tun: {network_category: public}`)).toEqual([
      "config.yml:8:7: tun.network_category: has no effect here - it is for Windows",
    ]);
  });

  test("is accepted in silence at its default", () => {
    expect(warningsOf(`${SOUND}listen: {windows_bypass_wdf: true, udp_offloads: yes}`)).toEqual([]);
  });
});

describe("an older spelling is read with a warning:", () => {
  test("punchy: true", () => {
    expect(settingsOf(`${SOUND}punchy: true`).live.punchy.punch).toBe(true);
    expect(warningsOf(`${SOUND}punchy: true`)).toEqual([
      "config.yml:8:1: punchy: an older spelling - write punchy.punch",
    ]);
  });

  test("punch_back", () => {
    expect(settingsOf(`${SOUND}punch_back: yes`).live.punchy.respond).toBe(true);
  });

  test("but not together with the present one", () => {
    expect(errorsOf(`${SOUND}punch_back: yes\npunchy: {respond: no}\n`)).toEqual([
      "config.yml:8:1: punch_back: given together with punchy.respond, of which it is an older spelling - keep one of them",
    ]);
  });
});

describe("a key of older releases", () => {
  test("is refused where it would silently be missing", () => {
    expect(errorsOf(`${SOUND}local_range: 10.0.0.0/8`)).toEqual([
      "config.yml:8:1: local_range: a key of older releases - write preferred_ranges with a list of prefixes",
    ]);
  });

  test("is accepted with a warning where it never mattered", () => {
    expect(warningsOf(`${SOUND}handshakes: {wait_rotation: 5}`)).toEqual([
      "config.yml:8:14: handshakes.wait_rotation: a key of older releases - remove it; it has no effect",
    ]);
  });
});

test("a section that is a list or a value is refused with keys that belong there", () => {
  expect(errorsOf(`${SOUND}listen: 4242\ntun: [lacis0]\n`)).toEqual([
    'config.yml:8:9: listen: "4242" where a section with keys of its own belongs - write the keys below it, indented: host, port, batch, ...',
    "config.yml:9:6: tun: a list where a section with keys of its own belongs - write the keys below it, indented: disabled, user, dev, ...",
  ]);
});

test("an empty section is as if it were not there", () => {
  expect(warningsOf(`${SOUND}listen:\ntun: {}\nsshd:\n`)).toEqual([]);
});
