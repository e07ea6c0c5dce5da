import { describe, expect, test } from "vitest";
import type { LocalIndex } from "../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import { KEEPALIVE, PUNCH } from "../../../../src/core/punch/punches.ts";
import { PacketType } from "../../../../src/core/wire/header.ts";
import { encodeLighthouseMessage } from "../../../../src/core/wire/lighthouse.ts";
import { MessageCounts } from "../../../../src/runtime/metrics/message-counts.ts";

const somewhere = directPath("192.0.2.1:4242" as Endpoint);
const localIndex = 7 as LocalIndex;
const query = encodeLighthouseMessage({ kind: "host-query", target: "10.77.0.9" as IpAddress }, 1)!;

describe("messages are counted", () => {
  test.each([
    ["holepunch", PUNCH],
    ["punchy", KEEPALIVE],
    ["handshake_ixpsk0", Uint8Array.of(0x10, 0, 0, 0)],
    ["recv_error", Uint8Array.of(0x12, 0, 0, 0)],
    ["close_tunnel", Uint8Array.of(0x15, 0, 0, 0)],
    ["other", Uint8Array.of(0x1f, 0, 0, 0)],
  ] as const)("in the clear: %s", (kind, datagram) => {
    const counts = new MessageCounts();
    counts.command({ kind: "send-datagram", to: somewhere, datagram });
    expect(counts.messages("tx", kind)).toBe(1);
    expect(counts.messages("rx", kind)).toBe(0);
  });

  test("in sessions, by type and direction", () => {
    const counts = new MessageCounts();
    const body = new Uint8Array();
    counts.command({ kind: "seal-and-send", localIndex, type: PacketType.test, subtype: 0, body });
    counts.event({ kind: "message", localIndex, type: PacketType.test, subtype: 1, body });
    counts.event({ kind: "message", localIndex, type: PacketType.closeTunnel, subtype: 0, body });
    counts.event({ kind: "message", localIndex, type: PacketType.control, subtype: 0, body });
    counts.command({ kind: "remove-session", localIndex, sendClose: true });
    counts.command({ kind: "remove-session", localIndex, sendClose: false });
    expect(counts.messages("tx", "test_request")).toBe(1);
    expect(counts.messages("rx", "test_response")).toBe(1);
    expect(counts.messages("rx", "close_tunnel")).toBe(1);
    expect(counts.messages("rx", "other")).toBe(1);
    expect(counts.messages("tx", "close_tunnel")).toBe(1);
  });

  test("with a lighthouse by what they ask, if somebody wants to know; nonsense is something else", () => {
    const counts = new MessageCounts();
    const lighthouse = { kind: "message", localIndex, type: PacketType.lighthouse, subtype: 0 } as const;
    counts.event({ ...lighthouse, body: query });
    counts.looksInside = true;
    counts.event({ ...lighthouse, body: query });
    counts.event({ ...lighthouse, body: Uint8Array.of(0xff) });
    expect(counts.messages("rx", "lighthouse")).toBe(3);
    expect(counts.lighthouse("rx", "HostQuery")).toBe(1);
    expect(counts.lighthouse("rx", "other")).toBe(1);
  });
});
