import { describe, expect, test } from "vitest";
import { firstPacket } from "../../../../src/core/firewall/asked-service.ts";
import { parseService } from "../../../../src/core/firewall/parse-service.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";

describe("a service", () => {
  test.each<[string, object]>([
    ["tcp/5432", { protocol: 6, port: 5432 }],
    ["UDP/53", { protocol: 17, port: 53 }],
    ["6/22", { protocol: 6, port: 22 }],
    ["gre", { protocol: 47, port: 0 }],
    ["89", { protocol: 89, port: 0 }],
    ["icmp", { protocol: "icmp", types: { v4: 8, v6: 128 } }],
    ["icmp/packet-too-big", { protocol: "icmp", types: { v4: 3, v6: 2 } }],
    ["icmp/13", { protocol: "icmp", types: { v4: 13, v6: 13 } }],
    ["1", { protocol: "icmp", types: { v4: 8, v6: 128 } }],
  ])("%s is read", (text, service) => {
    expect(parseService(text)).toEqual({ ok: true, value: service });
  });

  test.each<[string, string, string]>([
    ["tcp/99999", "port", "1 to 65535"],
    ["tcp/0", "port", "1 to 65535"],
    ["tcp/ssh", "port", "1 to 65535"],
    ["tcp", "port", "write tcp/PORT"],
    ["tcp/", "port", "write tcp/PORT"],
    ["tcp/1/2", "port", "such as tcp/5432"],
    ["tcq/22", "protocol", "did you mean tcp?"],
    ["ssh", "protocol", "tcp/22"],
    ["icpm", "protocol", "did you mean icmp?"],
    ["22/tcp", "protocol", "write tcp/22"],
    ["", "protocol", "tcp, udp, icmp"],
    ["300", "protocol", "write tcp/300 or udp/300"],
    ["22", "protocol", "write tcp/22 or udp/22"],
    ["8080", "protocol", "write tcp/8080 or udp/8080"],
    ["gre/5", "port", "write gre"],
    ["icmp/echo-requst", "type", "did you mean icmp/echo-request?"],
    ["icmp/999", "type", "0 to 255"],
  ])("%j is refused, and the field is named", (text, field, todo) => {
    const parsed = parseService(text);
    expect(parsed).toMatchObject({ ok: false, reason: { field } });
    expect(!parsed.ok && parsed.reason.todo).toContain(todo);
  });

  test("of ICMP has the type of the family that its packet is of", () => {
    const ping = parseService("icmp");
    if (!ping.ok) throw new TypeError("it is one");
    const v4 = firstPacket(ping.value, "10.77.0.1" as IpAddress, "10.77.0.2" as IpAddress);
    const v6 = firstPacket(ping.value, "fd00::1" as IpAddress, "fd00::2" as IpAddress);
    expect([v4.protocol, v4.icmpMessage, v6.protocol, v6.icmpMessage]).toEqual([1, 8, 58, 256 + 128]);
  });
});
