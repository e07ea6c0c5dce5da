import type { MessageInitShape } from "@bufbuild/protobuf";
import type { IdentifiedProgram, PolicyRule, RefusalAction } from "../../../core/dataplane/contract.ts";
import type { Route } from "../../../core/route/route.ts";
import { FRAME_LIMIT_BYTES } from "./frame.ts";
import type * as pb from "./generated/dataplane_pb.ts";
import { refusalActions, ruleProtocols, writePrefix, writeRoute } from "./values.ts";

type WireProgram = MessageInitShape<typeof pb.PolicyProgramSchema>;
type WireRoute = MessageInitShape<typeof pb.RouteSchema>;

/**
 * What one piece may weigh by the estimates below, which are upper bounds. A small part of a frame leaves room for bindings beside it, and
 * costs a few milliseconds: whoever sends the pieces does something else between them.
 */
const PIECE_BYTES = FRAME_LIMIT_BYTES / 16;
/** Numbers, ports, lengths of a rule; a prefix with its own. */
const RULE_BYTES = 40;
const PREFIX_BYTES = 26;
const ICMP_TYPE_BYTES = 2;

/** Programs in pieces that each fit a frame; the rules of one program may be spread over several, in order. */
export function* policyPieces(programs: readonly IdentifiedProgram[]): Generator<WireProgram[]> {
  let pieces: WireProgram[] = [];
  let room = PIECE_BYTES;
  for (const { policyId, inbound, outbound, refuse } of programs) {
    let piece = newPiece(policyId, refuse);
    pieces.push(piece);
    room -= RULE_BYTES;
    for (const [direction, rules] of [
      ["inbound", inbound],
      ["outbound", outbound],
    ] as const)
      for (const rule of rules) {
        const bytes =
          RULE_BYTES +
          PREFIX_BYTES * (rule.remote.length + rule.local.length) +
          ICMP_TYPE_BYTES * (rule.icmpTypes?.length ?? 0);
        if (bytes > room) {
          yield pieces;
          piece = newPiece(policyId, refuse);
          pieces = [piece];
          room = PIECE_BYTES - RULE_BYTES;
        }
        room -= bytes;
        piece[direction].push(writeRule(rule));
      }
  }
  yield pieces;
}

/** Routes in pieces that each fit a frame. */
export function* routePieces(routes: readonly Route[]): Generator<WireRoute[]> {
  let piece: WireRoute[] = [];
  let room = PIECE_BYTES;
  for (const route of routes) {
    const gateways = route.target.kind === "gateways" ? route.target.gateways.length : 0;
    const bytes = RULE_BYTES + PREFIX_BYTES * gateways;
    if (bytes > room) {
      yield piece;
      piece = [];
      room = PIECE_BYTES;
    }
    room -= bytes;
    piece.push(writeRoute(route));
  }
  yield piece;
}

function newPiece(policyId: number, refuse: IdentifiedProgram["refuse"]): WirePiece {
  const action = (of: RefusalAction): pb.RefusalAction => refusalActions[of];
  return {
    policyId,
    inbound: [],
    outbound: [],
    refuseInbound: action(refuse.inbound),
    refuseOutbound: action(refuse.outbound),
  };
}

type WireRule = MessageInitShape<typeof pb.PolicyRuleSchema>;

interface WirePiece {
  readonly policyId: number;
  readonly inbound: WireRule[];
  readonly outbound: WireRule[];
  readonly refuseInbound: pb.RefusalAction;
  readonly refuseOutbound: pb.RefusalAction;
}

function writeRule(rule: PolicyRule): WireRule {
  const { ruleId, portFirst, portLast } = rule;
  const protocol = ruleProtocols[rule.protocol];
  return {
    ruleId,
    protocol,
    portFirst,
    portLast,
    remote: rule.remote.map(writePrefix),
    local: rule.local.map(writePrefix),
    icmpTypes: [...(rule.icmpTypes ?? [])],
    fragment: rule.fragment ?? false,
  };
}
