import { parseAddress } from "../../../core/netip/address.ts";
import type { MappingAnswer, MappingRequest } from "../answer.ts";
import type { Router } from "../ask-router.ts";
import { type Arguments, type Reply, tellRouter } from "./command.ts";
import { type Connection, connectionsIn } from "./connection.ts";
import { discoverRouter } from "./discover.ts";
import { exchange } from "./exchange.ts";

// The Internet Gateway Device's port mappings (WANIPConnection:1 and :2, WANPPPConnection:1, 2.4.16).

const PATIENCE_MS = 3_000;
/** The router keeps mappings until it is told otherwise, and takes no time (WANIPConnection:1, 2.4.16.4). */
const ONLY_PERMANENT = 725;

/** A port that a router gave, and how it is given back. */
export interface UpnpMapping {
  readonly answer: MappingAnswer;
  readonly giveBack: (patienceMs: number) => Promise<void>;
}

/** Asks the router for a port by UPnP. Undefined: it does not speak that. */
export async function mapByUpnp(router: Router, request: MappingRequest): Promise<UpnpMapping | undefined> {
  const place = await discoverRouter(router, request.client);
  const description = place && (await exchange(place, { method: "GET", patienceMs: PATIENCE_MS }));
  if (place === undefined || description?.status !== 200) return undefined;
  let last: UpnpMapping | undefined;
  for (const connection of connectionsIn(description.body, place, router.gateway)) {
    const answer = await mapThrough(connection, request);
    if (answer !== undefined) last = { answer, giveBack: (patienceMs) => unmap(connection, request, patienceMs) };
    if (answer?.kind === "granted") break;
  }
  return last;
}

async function mapThrough(connection: Connection, request: MappingRequest): Promise<MappingAnswer | undefined> {
  const where = await tellRouter(connection, "GetExternalIPAddress", {}, PATIENCE_MS);
  if (where?.kind !== "done") return where && failureOf(where);
  const external = parseAddress(where.value("NewExternalIPAddress") ?? "");
  if (external === undefined) return { kind: "nonsense", why: "malformed" };
  const add = (lifetimeS: number): Promise<Reply | undefined> =>
    tellRouter(
      connection,
      "AddPortMapping",
      { ...mappingNamed(request), ...leadingTo(request, lifetimeS) },
      PATIENCE_MS,
    );
  let added = await add(request.lifetimeS);
  if (added?.kind === "refused" && added.code === ONLY_PERMANENT) added = await add(0);
  if (added?.kind !== "done") return added && failureOf(added);
  return { kind: "granted", external, externalPort: request.externalPort, lifetimeS: request.lifetimeS };
}

async function unmap(connection: Connection, request: MappingRequest, patienceMs: number): Promise<void> {
  await tellRouter(connection, "DeletePortMapping", mappingNamed(request), patienceMs);
}

function mappingNamed({ externalPort }: MappingRequest): Arguments {
  return { NewRemoteHost: "", NewExternalPort: externalPort, NewProtocol: "UDP" };
}

function leadingTo({ client, internalPort }: MappingRequest, lifetimeS: number): Arguments {
  return {
    NewInternalPort: internalPort,
    NewInternalClient: client,
    NewEnabled: 1,
    NewPortMappingDescription: "lacis",
    NewLeaseDuration: lifetimeS,
  };
}

function failureOf(reply: Exclude<Reply, { kind: "done" }>): MappingAnswer {
  return reply.kind === "refused" ? reply : { kind: "nonsense", why: "malformed" };
}
