import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { askDaemon } from "../../../src/admin/client.ts";
import type { NetcheckReport } from "../../../src/admin/netcheck/report.ts";
import { netcheckCommand } from "../../../src/cli/commands/netcheck.ts";
import { rulesCommand } from "../../../src/cli/commands/rules.ts";

vi.mock("../../../src/admin/client.ts", () => ({ askDaemon: vi.fn() }));

let printed: string[];

beforeEach(() => {
  printed = [];
  vi.spyOn(console, "log").mockImplementation((text: string) => void printed.push(text));
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

test("netcheck prints a line for each question, and nothing that a peer has written moves the cursor", async () => {
  vi.mocked(askDaemon).mockResolvedValue(REPORT);
  await netcheckCommand().parseAsync(["--socket", "/nowhere"], { from: "user" });
  expect(printed.join("\n").split("\n")).toEqual([
    "Report:",
    "    UDP:           no",
    "    IPv4:          seen at 198.51.100.7:4242",
    "    IPv6:          unknown",
    "    Mapping:       unknown",
    "    Filtering:     unknown",
    "    Hairpin:       unknown",
    "    Port mapping:  unknown, listen.map_port is off",
    "    MTU:           unknown",
    "    TCP 443:       nobody listens there",
    "Lighthouses:",
    "    evil\\u{1b}[2J (10.77.0.1): failed, udp: No answer.",
    "      Look there.",
    "UDP is blocked.",
  ]);
  expect(process.exitCode).toBe(1);
});

test("rules prints a line for each rule", async () => {
  const rule = { direction: "inbound", flows: 2, packets: 9, bytes: 800, text: "tcp 22", place: "c.yml:7:5" };
  vi.mocked(askDaemon).mockResolvedValue({ schema: 1, rules: [rule, { ...rule, flows: 0 }], rulesOmitted: 1 });
  await rulesCommand().parseAsync(["--socket", "/nowhere"], { from: "user" });
  expect(printed.join("\n").split("\n")).toEqual([
    "DIRECTION  FLOWS  PACKETS  BYTES  RULE    PLACE",
    "inbound    2      9        800    tcp 22  c.yml:7:5",
    "inbound    -      9        800    tcp 22  c.yml:7:5",
    "and 1 more",
  ]);
});

const REPORT: NetcheckReport = {
  udp: "no",
  ipv4: { seenAt: ["198.51.100.7:4242"] },
  ipv6: { seenAt: [] },
  nat: { mapping: "unknown", filtering: "unknown", portStep: null, keepsPort: null, hairpin: "unknown" },
  portMapping: { is: "off" },
  mtu: null,
  tcp443: "refused",
  lighthouses: [
    {
      address: "10.77.0.1",
      name: "evil\u{1b}[2J",
      roundTripMs: null,
      path: null,
      over: null,
      failed: { obstacle: "udp", text: "No answer.", todo: "Look there." },
    },
  ],
  verdict: "UDP is blocked.",
};
