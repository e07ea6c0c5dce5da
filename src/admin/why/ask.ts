import { nearest } from "../../core/base/suggest.ts";
import type { AskedService } from "../../core/firewall/asked-service.ts";
import { parseService } from "../../core/firewall/parse-service.ts";
import type { Inquiry, NodeStatus, PingTarget } from "../../core/io.ts";
import { type IpAddress, parseAddress } from "../../core/netip/address.ts";
import type { NamedHost } from "../../core/node/directory.ts";
import type { PingFailure } from "../../core/operator/failure.ts";
import { pingFailureText } from "../../core/operator/failure-text.ts";
import type { Daemon } from "../../runtime/daemon.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";
import type { Health } from "../../runtime/service.ts";
import { clause } from "../clause.ts";
import { pingTarget } from "../ping-target.ts";
import { ADMIN_SCHEMA, type WhyQuestion } from "../protocol.ts";
import { type Verdict, type WhyReport, whyReport } from "./why-report.ts";

/** Whether a packet passes between this host and another one, and why: as both ends say. `out`: why nobody lets this host in. */
export async function askWhy(
  daemon: Daemon,
  question: WhyQuestion,
  out?: Pick<Health, "text" | "todo">,
): Promise<WhyReport> {
  if (out) return unasked(question.service, "denied", out.text, out.todo);
  const known = daemon.directory();
  const inquiry = inquiryOf(question, known, daemon.status());
  const result = await daemon.inquire(inquiry, question.timeoutMs);
  if (result.outcome === "judged") return whyReport(result.packet, result.sides);
  const { failure } = result;
  const field = inquiry.direction === "outbound" ? "TO" : "FROM";
  if (isMistake(failure)) {
    const meant =
      failure.reason === "unknown-name"
        ? nearest(
            failure.name,
            known.map(({ name }) => name),
          )
        : undefined;
    const todo = meant === undefined ? "name another host, or give its overlay address" : `did you mean ${meant}?`;
    throw mistaken(field, clause(pingFailureText(failure).text), todo);
  }
  const { text, todo } = pingFailureText(failure);
  return unasked(question.service, "unknown", text, todo);
}

function unasked(service: string, verdict: Verdict, text: string, hint: string): WhyReport {
  return { schema: ADMIN_SCHEMA, verdict, service, from: null, to: null, sides: [], text, hint };
}

function inquiryOf({ from, to, service: text }: WhyQuestion, known: readonly NamedHost[], node: NodeStatus): Inquiry {
  const service = serviceOf(text);
  const names = known.map(({ name }) => name);
  const targetOf = (host: string): PingTarget => pingTarget(host, names, node);
  const [own] = known;
  const isOwn = (host: string): boolean =>
    own !== undefined && (host === own.name || own.addresses.some((address) => address === parseAddress(host)));
  const local = (host: string | undefined): IpAddress | undefined =>
    host === undefined ? undefined : parseAddress(host);
  if (from === undefined || isOwn(from))
    return { host: targetOf(to), direction: "outbound", service, local: local(from) };
  if (isOwn(to)) return { host: targetOf(from), direction: "inbound", service, local: local(to) };
  throw mistaken(
    "FROM",
    `neither ${from} nor ${to} is this host, and hosts are asked about their own packets only`,
    "ask on one of them, or give their configurations or certificates as files",
  );
}

/** What the question itself is wrong about. */
function isMistake({ reason }: PingFailure): boolean {
  return reason === "own-address" || reason === "outside-networks" || reason === "unknown-name";
}

/** What is asked about, "tcp/5432". Throws an OperatorError that names what is wrong with it. */
export function serviceOf(text: string): AskedService {
  const service = parseService(text);
  if (!service.ok) throw mistaken(service.reason.field, service.reason.why, service.reason.todo);
  return service.value;
}

/** The command line does not say what can be asked: the field is named. */
export function mistaken(field: string, why: string, todo: string): OperatorError {
  return new OperatorError("usage", { what: `${field} makes no sense`, why, todo }, ExitCode.usage);
}
