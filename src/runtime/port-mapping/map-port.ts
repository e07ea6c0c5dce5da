import { type Mapping, type MappingAnswer, type MappingRequest, mappingOf, type Nonsense } from "./answer.ts";
import { askRouter, type Router } from "./ask-router.ts";
import { ADDRESS_QUESTION, decodeNatPmpAddress, decodeNatPmpMapping, encodeNatPmpRequest } from "./nat-pmp.ts";
import { decodePcpAnswer, encodePcpRequest } from "./pcp.ts";

export type MappingProtocol = "pcp" | "nat-pmp";

/** What came of asking a router for a port. */
export type MappingOutcome =
  | { readonly kind: "mapped"; readonly protocol: MappingProtocol; readonly mapping: Mapping }
  | { readonly kind: "refused"; readonly protocol: MappingProtocol; readonly code: number }
  | { readonly kind: "nonsense"; readonly protocol: MappingProtocol; readonly why: Nonsense }
  | { readonly kind: "no-answer" };

/** Asks for a port by PCP, and by NAT-PMP if that is what the router speaks. */
export async function mapPort(router: Router, request: MappingRequest): Promise<MappingOutcome> {
  const answer = await askRouter(router, encodePcpRequest(request), (bytes) => decodePcpAnswer(bytes, request));
  if (answer === undefined) return { kind: "no-answer" };
  if (answer.kind === "other-version") return mapByNatPmp(router, request);
  return outcomeOf("pcp", answer);
}

/** Gives a port back; waits no longer than this. */
export async function unmapPort(
  router: Router,
  protocol: MappingProtocol,
  mapped: MappingRequest,
  patienceMs: number,
): Promise<void> {
  const request = { ...mapped, lifetimeS: 0 };
  const question = protocol === "pcp" ? encodePcpRequest(request) : encodeNatPmpRequest(request);
  const decode = protocol === "pcp" ? decodePcpAnswer : decodeNatPmpMapping;
  await askRouter(router, question, (bytes) => decode(bytes, request), patienceMs);
}

async function mapByNatPmp(router: Router, request: MappingRequest): Promise<MappingOutcome> {
  const where = await askRouter(router, ADDRESS_QUESTION, decodeNatPmpAddress);
  if (where === undefined) return { kind: "no-answer" };
  if ("kind" in where) return outcomeOf("nat-pmp", where);
  const question = encodeNatPmpRequest(request);
  const answer = await askRouter(router, question, (bytes) => decodeNatPmpMapping(bytes, request));
  if (answer === undefined) return { kind: "no-answer" };
  return outcomeOf("nat-pmp", answer.kind === "granted" ? { ...answer, external: where.address } : answer);
}

function outcomeOf(protocol: MappingProtocol, answer: MappingAnswer): MappingOutcome {
  switch (answer.kind) {
    case "granted": {
      const mapping = mappingOf(answer.external, answer);
      return typeof mapping === "string"
        ? { kind: "nonsense", protocol, why: mapping }
        : { kind: "mapped", protocol, mapping };
    }
    case "refused":
      return { kind: "refused", protocol, code: answer.code };
    case "nonsense":
      return { kind: "nonsense", protocol, why: answer.why };
    case "other-version":
      return { kind: "nonsense", protocol, why: "malformed" };
  }
}
