import { Command, Option } from "commander";
import { askDaemon } from "../../admin/client.ts";
import { asked, PEER_STATES, type PeerQuery } from "../../admin/peer-query.ts";
import type { StatusReport } from "../../admin/status-report.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";
import { pseudonymsOf } from "../bugreport/pseudonyms-of.ts";
import { CHECKS, type Check, notReady } from "../check-status.ts";
import { fitted, SCREEN_LINES } from "../fit-status.ts";
import { say, sayJson, sayText } from "../output.ts";
import { asFull, statusText } from "../render-status.ts";
import { styleFor } from "../style.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";
import { watchStatus } from "../watch-status.ts";

const TIMEOUT_MS = 5_000;

interface StatusOptions extends TargetOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly verbose?: boolean;
  readonly all?: boolean;
  readonly check?: Check;
  readonly peer?: string;
  readonly group?: string;
  readonly state?: PeerQuery["states"];
  readonly relayed?: true;
  readonly anonymise?: true;
}

/** `lacis status`: whom this host has tunnels with, and what is wrong. */
export function statusCommand(): Command {
  return withTarget(new Command("status"))
    .description("Show the tunnels of this host, this host itself, and what is wrong with it.")
    .option("--json", "print JSON")
    .option("-v, --verbose", "show as well what each process of this host may still do")
    .option("-w, --watch", "show it again whenever it changes, until Ctrl-C")
    .option("-a, --all", `show everything, not only the ${SCREEN_LINES} lines that matter most`)
    .option("--peer <who>", "only this peer: its name (* stands for anything) or overlay address")
    .option("--group <group>", "only peers of this group")
    .option("--state <states>", `only peers in these states: ${PEER_STATES.join(", ")}`, parseStates)
    .option("--anonymise", "replace names, groups and addresses by others, to show it to whoever helps")
    .option("--relayed", "only peers that are reached through a relay")
    .addOption(new Option("--check <what>", "for probes: say in one line whether this host is it").choices(CHECKS))
    .addHelpText(
      "after",
      `
STATE    up: tunnel in use; handshaking: being built; unconfirmed: the peer called, its first packet has not come yet;
         failed: why stands under Health
PATH     "direct" and the peer's endpoint on the underlay, or "via" a relay and why not straight
RTT      of the last answer to a test inside the tunnel
LOSS     of the last probes on this path, measured while the tunnel is in use
LAST RX  since the last authentic packet
CERT     time until the peer's certificate ends
Powers   with --verbose: the user, privileges and system calls of each process, and what it could not give up
Health   one line for each thing that is not as it should be, worst first; what follows from another is counted there

With --watch a terminal shows the newest picture in place; otherwise each one is printed after the one before. Exit code
0 after Ctrl-C, 3 when the daemon ends. With --check: 0 if it is so; live: 3 when no daemon answers; ready: 1 when the
data plane is down, this host's certificate has expired or no lighthouse answers.

Examples:  lacis status --peer 'web*' --state failed
           lacis status --json | jq '.peers[] | select(.state == "up") | .name'`,
    )
    .action(async (options: StatusOptions) => {
      const socket = adminSocket(options);
      if (options.anonymise && (options.watch || options.check))
        throw new OperatorError(
          "usage",
          { what: "--anonymise", why: "it is for one picture", todo: "leave out --watch and --check" },
          ExitCode.usage,
        );
      if (options.check) await checkStatus(socket, options.check, options.json ?? false);
      else if (options.watch) {
        const { json = false, verbose = false } = options;
        await watchStatus(socket, { json, verbose, peers: queryOf(options) });
      } else await showStatus(socket, options);
    });
}

async function showStatus(socket: string, options: StatusOptions): Promise<void> {
  const peers = queryOf(options);
  const answer = (await askDaemon(socket, { verb: "status", peers }, TIMEOUT_MS)) as StatusReport;
  // A daemon of an older version does not choose.
  const chosen = { ...answer, peers: asked(answer.peers, peers) };
  const report = options.anonymise ? anonymised(chosen) : chosen;
  if (options.json) sayJson(report);
  else {
    const full = asFull(report, options.verbose ?? false);
    sayText(statusText(options.all || options.verbose ? full : fitted(full, SCREEN_LINES), styleFor(process.stdout)));
  }
}

function anonymised(report: StatusReport): StatusReport {
  return JSON.parse(pseudonymsOf(report).hide(JSON.stringify(report)));
}

async function checkStatus(socket: string, check: Check, json: boolean): Promise<void> {
  const report = (await askDaemon(socket, { verb: "status", peers: { limit: 0 } }, TIMEOUT_MS)) as StatusReport;
  const why = check === "ready" ? notReady(report) : [];
  if (json) sayJson({ check, ok: why.length === 0, why });
  else say(why.length === 0 ? check : `not ${check}: ${why.join("; ")}`);
  if (why.length > 0) process.exitCode = ExitCode.bad;
}

/** Everything that is asked for in JSON, and with --all; no more than fits a screen otherwise. */
function queryOf({ json, all, peer, group, state, relayed }: StatusOptions): PeerQuery {
  return {
    ...(peer !== undefined && { peer }),
    ...(group !== undefined && { group }),
    ...(state !== undefined && { states: state }),
    ...(relayed && { relayed }),
    ...(!json && !all && { limit: SCREEN_LINES }),
  };
}

function parseStates(text: string): PeerQuery["states"] {
  const states = text.split(",").map((word) => word.trim());
  return states.map((word) => {
    const known = PEER_STATES.find((state) => state === word);
    if (known !== undefined) return known;
    const todo = `there are ${PEER_STATES.join(", ")}`;
    const complaint = { what: `--state ${text}`, why: `${JSON.stringify(word)} is no state of a peer`, todo };
    throw new OperatorError("usage", complaint, ExitCode.usage);
  });
}
