import { Command, InvalidArgumentError } from "commander";
import { askDaemon, followDaemon } from "../../admin/client.ts";
import { FLOWS_MAX, type FlowsReport } from "../../admin/flows-verbs.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { parseDurationMs } from "../../core/config/parse/scalar.ts";
import { IpProtocol } from "../../core/netip/ip-protocol.ts";
import { PORT_MAX } from "../../core/netip/service.ts";
import type { LogLine } from "../../runtime/flowlog/flow-entry.ts";
import type { FlowFilter } from "../../runtime/flowlog/flow-query.ts";
import { endWithInterrupt } from "../interrupt.ts";
import { complain, sayJson, sayText } from "../output.ts";
import { flowLine, flowsText } from "../render-flows.ts";
import { styleFor } from "../style.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

/** A log of the largest size is looked through in seconds. */
const TIMEOUT_MS = 60_000;
const LIMIT = 100;

interface FlowsOptions extends TargetOptions {
  readonly denied?: true;
  readonly audited?: true;
  readonly peer?: string;
  readonly port?: number;
  readonly proto?: number;
  readonly since?: number;
  readonly limit: number;
  readonly follow?: true;
  readonly json?: true;
}

/** `lacis flows`: who talks to whom through this host, and what was refused. */
export function flowsCommand(): Command {
  return withTarget(new Command("flows"))
    .description("Show which flows this host has seen: between whom, by which rule, how much, and why not.")
    .option("--denied", "only what was refused")
    .option("--audited", "only what the policy of the network will refuse once it is enforced")
    .option(
      "--peer <host>",
      "only with this host: the name in its certificate (* stands for anything), or an overlay address",
      nameOf,
    )
    .option("--port <port>", "only of the service on this port", portOf)
    .option("--proto <protocol>", "only of this protocol: tcp, udp, icmp, or a number", protocolOf)
    .option("--since <time>", "only what was noted since then: 10m, 2h, or a time like 2026-05-01T12:00:00Z", timeOf)
    .option("-n, --limit <n>", "as many of the last ones at most", limitOf, LIMIT)
    .option("-f, --follow", "print what happens from now on, until Ctrl-C")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
A flow is one line: as it goes on, as it has ended, or as it was refused, the last ones at the end. Packets that are refused alike are counted
together. SENT and RECEIVED are bytes of this host. What is kept, and for how long, is flow_log.megabytes (docs/CONFIG.md).
Exit code 0, whether there was something to show or not; 2 for a host that nobody here has heard of; with --follow 3 when the daemon ends.

Example:  lacis flows --denied --since 10m`,
    )
    .action(async ({ denied, audited, peer, port, proto, since, limit, follow, json, ...target }: FlowsOptions) => {
      const filter: FlowFilter = { denied, audited, peer, port, protocol: proto, since };
      const socket = adminSocket(target);
      const find = async (most: number): Promise<FlowsReport> =>
        (await askDaemon(socket, { verb: "flows", ...filter, limit: most }, TIMEOUT_MS)) as FlowsReport;
      if (follow) {
        // Whoever waits for a host that nobody has heard of would wait for ever.
        await find(1);
        return followFlows(socket, filter, json);
      }
      const report = await find(limit);
      if (json) sayJson(report);
      else sayText(flowsText(report, styleFor(process.stdout)));
    });
}

async function followFlows(socket: string, filter: FlowFilter, json: true | undefined): Promise<void> {
  endWithInterrupt();
  const style = styleFor(process.stdout);
  await followDaemon(
    socket,
    { verb: "follow-flows", ...filter },
    {
      heard: (result) => {
        const line = result as LogLine;
        if (json) sayJson({ schema: ADMIN_SCHEMA, ...line });
        else sayText(flowLine(line, style));
      },
      lost: (lost) => {
        if (json) sayJson({ schema: ADMIN_SCHEMA, lost });
        else complain(`lacis: ${lost} lines were left out here: the reader did not keep up.`);
      },
    },
  );
}

function nameOf(text: string): string {
  if (text !== "" && text.length <= 253) return text;
  throw new InvalidArgumentError("It is the name in a certificate, or an overlay address.");
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= PORT_MAX) return port;
  throw new InvalidArgumentError(`A port is a number of 0 to ${PORT_MAX}.`);
}

const PROTOCOLS: Readonly<Record<string, number>> = {
  tcp: IpProtocol.tcp,
  udp: IpProtocol.udp,
  icmp: IpProtocol.icmp,
  icmpv6: IpProtocol.icmpv6,
};

function protocolOf(text: string): number {
  const number = Object.hasOwn(PROTOCOLS, text.toLowerCase()) ? PROTOCOLS[text.toLowerCase()] : Number(text);
  if (number !== undefined && text !== "" && Number.isInteger(number) && number >= 0 && number <= 255) return number;
  throw new InvalidArgumentError("Known are tcp, udp, icmp, and the numbers 0 to 255.");
}

function timeOf(text: string): number {
  const ago = parseDurationMs(text);
  const time = ago === undefined ? Date.parse(text) : Date.now() - ago;
  if (Number.isFinite(time) && time >= 0) return Math.floor(time);
  throw new InvalidArgumentError("A time is 90s, 10m or 2h ago, or one like 2026-05-01T12:00:00Z.");
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= FLOWS_MAX) return limit;
  throw new InvalidArgumentError(`1 to ${FLOWS_MAX} are possible.`);
}
