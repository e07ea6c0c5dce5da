import { addressBytes, parseAddress } from "../../../core/netip/address.ts";
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

/** Somebody else behind the router has this port outside (WANIPConnection:1, 2.4.16.4). */
const TAKEN = 718;
/** Ports that are asked for in all: the one that is wanted, and others. */
const PORTS_MAX = 4;
/** Of those that nobody is known by (RFC 6335, 6): 16,384 of them. */
const OTHER_PORTS_FROM = 49_152;

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
    for (const externalPort of portsFor(request)) {
      const asked = { ...request, externalPort };
      const answer = await mapThrough(connection, asked);
      if (answer !== undefined) last = { answer, giveBack: (patienceMs) => unmap(connection, asked, patienceMs) };
      if (answer?.kind === "granted") return last;
      if (answer?.kind !== "refused" || answer.code !== TAKEN) break;
    }
  }
  return last;
}

/** PCP and NAT-PMP choose another port themselves. The same for a host whenever it asks, so that it finds its own mapping again, and other ones for its neighbours. */
function portsFor({ client, externalPort }: MappingRequest): readonly number[] {
  const [high = 0, low = 0] = addressBytes(client).subarray(-2);
  const others = Array.from({ length: PORTS_MAX - 1 }, (_, i) => {
    return OTHER_PORTS_FROM + ((((high << 8) | low) * PORTS_MAX + i) & 0x3fff);
  });
  return [externalPort, ...others];
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
