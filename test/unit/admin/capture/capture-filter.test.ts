import { describe, expect, test } from "vitest";
import { parseCaptureFilter } from "../../../../src/admin/capture/capture-filter.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";

const hosts = new Map([
  ["db1", ["10.77.0.2" as IpAddress]],
  ["web", ["10.77.0.3" as IpAddress, "fd00::3" as IpAddress]],
]);

/** The steps in a line: "s:10.77.0.2/32 d:10.77.0.2/32 or". */
function steps(text: string): string {
  const parsed = parseCaptureFilter(text, hosts);
  if (!parsed.ok) return `${parsed.reason.at} ${parsed.reason.why}`;
  return parsed.value
    .map((step) => {
      if ("prefix" in step) return `${step.op[0]}:${step.prefix.address}/${step.prefix.bits}`;
      if ("protocol" in step) return `p${step.protocol}`;
      return "first" in step ? `${step.op[0]}p${step.first}-${step.last}` : step.op;
    })
    .join(" ");
}

describe("a filter of packets", () => {
  test.each([
    ["", ""],
    ["   ", ""],
    ["tcp", "p6"],
    ["icmp", "p1 p58 or"],
    ["proto 47", "p47"],
    ["port 22", "sp22-22 dp22-22 or"],
    ["dst port 22-80", "dp22-80"],
    ["tcp port 22", "p6 sp22-22 dp22-22 or and"],
    ["host db1", "s:10.77.0.2/32 d:10.77.0.2/32 or"],
    ["db1", "s:10.77.0.2/32 d:10.77.0.2/32 or"],
    ["src host 10.77.0.9", "s:10.77.0.9/32"],
    ["dst web", "d:10.77.0.3/32 d:fd00::3/128 or"],
    ["src net 10.77.0.0/24", "s:10.77.0.0/24"],
    ["in denied", "inbound refused and"],
    ["out or allowed", "inbound not refused not or"],
    ["tcp or udp and in", "p6 p17 inbound and or"],
    ["(tcp or udp) and not in", "p6 p17 or inbound not and"],
    ["tcp && !(udp||in)", "p6 p17 inbound or not and"],
  ])("%j is read", (text, expected) => {
    expect(steps(text)).toBe(expected);
  });

  test.each([
    ["tcp and", "7 something to look for belongs here"],
    ["and tcp", '0 something to look for belongs before "and"'],
    ["host db2", '5 no host that is known here is called "db2" - did you mean db1?'],
    ["tcp prot 22", '4 "prot" is neither a word of filters nor a host - did you mean port?'],
    ["port 70000", '5 "70000" is no port: a number up to 65535, or two with a hyphen between'],
    ["port 80-22", '5 "80-22" is no port: a number up to 65535, or two with a hyphen between'],
    ["port", "4 a port belongs here"],
    ["net 10.77.0.0/99", '4 "10.77.0.0/99" is no network such as 10.77.0.0/24'],
    ["proto 300", '6 "300" is no protocol: tcp, udp, icmp, or a number up to 255'],
    ["(tcp or udp", "0 this parenthesis is not closed"],
    ["tcp) and udp", "3 there is no parenthesis that this one closes"],
    ["src", "3 host, net or port belongs here"],
    [Array(40).fill("tcp").join(" or "), "0 it has 79 parts, and a filter may have 64"],
  ])("%j is refused, with the place", (text, expected) => {
    expect(steps(text)).toBe(expected);
  });
});
