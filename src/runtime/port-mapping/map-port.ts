import { type Mapping, type MappingAnswer, type MappingRequest, mappingOf, type Nonsense } from "./answer.ts";
import { askRouter, type Router } from "./ask-router.ts";
import { ADDRESS_QUESTION, decodeNatPmpAddress, decodeNatPmpMapping, encodeNatPmpRequest } from "./nat-pmp.ts";
import { decodePcpAnswer, encodePcpRequest } from "./pcp.ts";

export type MappingProtocol = "pcp" | "nat-pmp" | "upnp-igd";

/** What came of asking a router for a port. */
export type MappingOutcome =
  | {
      readonly kind: "mapped";
      readonly protocol: MappingProtocol;
      readonly mapping: Mapping;
      /** Waits no longer than this. */
      readonly giveBack: (patienceMs: number) => Promise<void>;
    }
  | { readonly kind: "refused"; readonly protocol: MappingProtocol; readonly code: number }
  | { readonly kind: "nonsense"; readonly protocol: MappingProtocol; readonly why: Nonsense }
  | { readonly kind: "no-answer" };

type GiveBack = (patienceMs: number) => Promise<void>;

/** Asks for a port by PCP, by NAT-PMP if that is what the router speaks, and by UPnP if it says nothing to either. */
export async function mapPort(router: Router, request: MappingRequest): Promise<MappingOutcome> {
  const answer = await askRouter(router, encodePcpRequest(request), (bytes) => decodePcpAnswer(bytes, request));
  if (answer === undefined) {
    // A parser for XML is loaded for routers that need one.
    const { mapByUpnp } = await import("./upnp/upnp.ts");
    const mapped = await mapByUpnp(router, request);
    return mapped ? outcomeOf("upnp-igd", mapped.answer, mapped.giveBack) : { kind: "no-answer" };
  }
  if (answer.kind === "other-version") return mapByNatPmp(router, request);
  return outcomeOf("pcp", answer, async (patienceMs) => {
    const end = { ...request, lifetimeS: 0 };
    await askRouter(router, encodePcpRequest(end), (bytes) => decodePcpAnswer(bytes, end), patienceMs);
  });
}

async function mapByNatPmp(router: Router, request: MappingRequest): Promise<MappingOutcome> {
  const where = await askRouter(router, ADDRESS_QUESTION, decodeNatPmpAddress);
  if (where === undefined) return { kind: "no-answer" };
  const ask = (asked: MappingRequest, patienceMs?: number): Promise<MappingAnswer | undefined> =>
    askRouter(router, encodeNatPmpRequest(asked), (bytes) => decodeNatPmpMapping(bytes, asked), patienceMs);
  const giveBack: GiveBack = async (patienceMs) => {
    await ask({ ...request, lifetimeS: 0 }, patienceMs);
  };
  if ("kind" in where) return outcomeOf("nat-pmp", where, giveBack);
  const answer = await ask(request);
  if (answer === undefined) return { kind: "no-answer" };
  return outcomeOf("nat-pmp", answer.kind === "granted" ? { ...answer, external: where.address } : answer, giveBack);
}

function outcomeOf(protocol: MappingProtocol, answer: MappingAnswer, giveBack: GiveBack): MappingOutcome {
  switch (answer.kind) {
    case "granted": {
      const mapping = mappingOf(answer.external, answer);
      return typeof mapping === "string"
        ? { kind: "nonsense", protocol, why: mapping }
        : { kind: "mapped", protocol, mapping, giveBack };
    }
    case "refused":
      return { kind: "refused", protocol, code: answer.code };
    case "nonsense":
      return { kind: "nonsense", protocol, why: answer.why };
    case "other-version":
      return { kind: "nonsense", protocol, why: "malformed" };
  }
}
