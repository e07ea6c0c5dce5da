import type { PolicyRule } from "../../../core/dataplane/contract.ts";
import { FLOWS_DEFAULT } from "../../../core/dataplane/flow-limit.ts";
import type { Path } from "../../../core/path/path.ts";
import { PacketType, TestSubtype } from "../../../core/wire/header.ts";
import type { DataPlaneRequest } from "../contract/codec.ts";

/** To give up what moving packets does not take (SEMANTICS 14). */
export const CONFINE = "confine";
/** To give everything that moves packets to a newer one (SEMANTICS 16). */
export const HAND_OVER = "hand-over";
/** To have several queues of device and port. */
export const QUEUES = "queues";
/** To end TCP itself, for a host without a device. */
export const USER_SPACE = "user-space";
/** To send through relays, and to be one. */
export const RELAYED_PATHS = "relayed-paths";

/** To measure paths, and to let them be measured. */
export const PATH_PROBES = "path-probes";
/** To tell peers from where they are seen to come. */
export const BINDINGS = "bindings";
/** To tell who leaves what is sent to him unanswered. */
export const SILENCE_WATCH = "silence-watch";
/** To hold what comes for a session while its handshake is under way. */
export const AWAIT_SESSION = "await-session";
/** To tell what the operating system refuses to send. */
export const SEND_ERRORS = "send-errors";
/** To send no longer packets than a way carries, and to tell when that matters. */
export const PATH_MTU = "path-mtu";

/** To keep a session off a path that loses packets, though the peer is heard there. */
export const SHUNNED_PATHS = "shunned-paths";

/** To keep peers where the allow lists let them be, when they move by themselves. */
export const REMOTE_ALLOW_LIST = "remote-allow-list";

/** To remember another number of flows than every data plane does. */
export const FLOW_LIMIT = "flow-limit";

/** To tell of flows as they begin, end and are refused. */
export const FLOW_RECORDS = "flow-records";

/** To let an operator see packets. */
export const CAPTURE = "capture";

/** To answer the last lighthouse message of a session again by itself. */
export const KEPT_ANSWERS = "kept-answers";

/** What an engine can do that is as new as this control plane, whatever devices it is given. */
export const ENGINE: readonly string[] = [
  RELAYED_PATHS,
  "fragments",
  REMOTE_ALLOW_LIST,
  "seal-to",
  "many-prefixes",
  "reject",
  "icmp-types",
  PATH_MTU,
  PATH_PROBES,
  SHUNNED_PATHS,
  SILENCE_WATCH,
  AWAIT_SESSION,
  FLOW_LIMIT,
  FLOW_RECORDS,
  CAPTURE,
  BINDINGS,
  KEPT_ANSWERS,
];

/**
 * What of a request a data plane can take whose capabilities do not reach for all of it, where the rest is of use without; and the capability that was
 * missing. Such a request is not refused whole: without what it configures, nothing moves.
 */
export function reduced(
  request: DataPlaneRequest,
  capabilities: readonly string[],
): { readonly request: DataPlaneRequest; readonly lacking: string } | undefined {
  if (request.kind === "apply-policies") return reducedPolicies(request, capabilities);
  if (request.kind === "set-path" && request.shunLeft && !capabilities.includes(SHUNNED_PATHS)) {
    const { shunLeft: _, ...rest } = request;
    return { request: rest, lacking: SHUNNED_PATHS };
  }
  return request.kind === "configure" ? reducedFacts(request, capabilities) : undefined;
}

type Facts = Extract<DataPlaneRequest, { kind: "configure" }>;

function reducedFacts(
  request: Facts,
  capabilities: readonly string[],
): { readonly request: Facts; readonly lacking: string } | undefined {
  const { remoteAllowList, flowLimit, recordFlows } = request;
  const uses = {
    [REMOTE_ALLOW_LIST]: remoteAllowList.everybody.length + remoteAllowList.ranges.length > 0,
    [FLOW_LIMIT]: flowLimit !== FLOWS_DEFAULT,
    [FLOW_RECORDS]: recordFlows,
  };
  const lacking = unmet(uses, capabilities);
  if (lacking.length === 0) return undefined;
  const told = {
    remoteAllowList: lacking.includes(REMOTE_ALLOW_LIST) ? { everybody: [], ranges: [] } : remoteAllowList,
    flowLimit: lacking.includes(FLOW_LIMIT) ? FLOWS_DEFAULT : flowLimit,
    recordFlows: recordFlows && !lacking.includes(FLOW_RECORDS),
  };
  return { request: { ...request, ...told }, lacking: lacking.join(", ") };
}

/** Those of the capabilities in use that are not there. */
function unmet(uses: Readonly<Record<string, boolean>>, capabilities: readonly string[]): readonly string[] {
  return Object.entries(uses).flatMap(([name, used]) => (used && !capabilities.includes(name) ? [name] : []));
}

type Policies = Extract<DataPlaneRequest, { kind: "apply-policies" }>;

/** Stricter rules, where these cannot be told: a rule without what narrows it would allow more, so it is left out, and who should be answered is not. */
function reducedPolicies(
  request: Policies,
  capabilities: readonly string[],
): { readonly request: Policies; readonly lacking: string } | undefined {
  const { programs } = request;
  const rules = programs.flatMap(({ inbound, outbound }) => [inbound, outbound]);
  const uses = {
    reject: programs.some(({ refuse }) => refuse.inbound === "reject" || refuse.outbound === "reject"),
    "icmp-types": rules.some((list) => list.some(({ icmpTypes }) => icmpTypes)),
    fragments: rules.some((list) => list.some(({ fragment }) => fragment)),
  };
  const lacking = unmet(uses, capabilities);
  if (lacking.length === 0) return undefined;
  const known = ({ icmpTypes, fragment }: PolicyRule): boolean =>
    !(icmpTypes && lacking.includes("icmp-types")) && !(fragment && lacking.includes("fragments"));
  const told = programs.map((program) => ({
    ...program,
    inbound: program.inbound.filter(known),
    outbound: program.outbound.filter(known),
    refuse: lacking.includes("reject") ? DROP : program.refuse,
  }));
  return { request: { ...request, programs: told }, lacking: lacking.join(", ") };
}

const DROP = { inbound: "drop", outbound: "drop" } as const;

/** The capability that this request needs and the data plane has not named (SEMANTICS 13); undefined: it can be sent. */
export function lackingCapability(request: DataPlaneRequest, capabilities: readonly string[]): string | undefined {
  const needed = neededBy(request);
  return needed === undefined || capabilities.includes(needed) ? undefined : needed;
}

/** What makes a host quicker, and which it does without where the data plane cannot do it: not worth a complaint each time. */
export function isDispensable(request: DataPlaneRequest): boolean {
  const isProbe = request.kind === "seal-and-send" && probeCapability(request) !== undefined;
  return isProbe || ["watch-silence", "await-session", "set-path-mtu", "keep-answer"].includes(request.kind);
}

type SealAndSend = Extract<DataPlaneRequest, { kind: "seal-and-send" }>;

function probeCapability({ type, subtype }: SealAndSend): string | undefined {
  if (type !== PacketType.test || subtype < TestSubtype.pathRequest) return undefined;
  return subtype < TestSubtype.bindingRequest ? PATH_PROBES : BINDINGS;
}

function neededBy(request: DataPlaneRequest): string | undefined {
  switch (request.kind) {
    case "install-session":
      return neededFor(request.path) ?? (request.allowedPrefixes.length > FEW_PREFIXES ? "many-prefixes" : undefined);
    case "set-path":
      return neededFor(request.path);
    case "send-datagram":
      return neededFor(request.to);
    case "seal-and-send":
      return probeCapability(request) ?? (request.to && (neededFor(request.to) ?? "seal-to"));
    case "watch-silence":
      return SILENCE_WATCH;
    case "await-session":
      return AWAIT_SESSION;
    case "keep-answer":
      return KEPT_ANSWERS;
    case "set-path-mtu":
      return PATH_MTU;
    case "set-relay":
    case "remove-relay":
      return RELAYED_PATHS;
    case "open-tun":
      if (request.streamsSocket !== undefined) return USER_SPACE;
      return request.queues > 1 ? QUEUES : undefined;
    case "open-udp":
      return request.queues > 1 ? QUEUES : undefined;
    case "start-capture":
    case "stop-capture":
      return CAPTURE;
    case "confine":
      return CONFINE;
    default:
      return undefined;
  }
}

/** What every data plane takes behind one peer. */
const FEW_PREFIXES = 64;

function neededFor(path: Path | undefined): string | undefined {
  return path?.kind === "relayed" ? RELAYED_PATHS : undefined;
}
