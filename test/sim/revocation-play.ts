import { Node } from "../../src/core/node.ts";
import { revocations } from "./cast/identities.ts";
import { lightParts } from "./cast/parts.ts";
import { LargeMesh } from "./large-mesh.ts";
import type { Host } from "./world/host.ts";

const REVOKED_MS = 30_000;
const WAKES_MS = 45_000;
const WORLD_MS = 60_000;
const PING_EVERY_MS = 200;
/** At most so long is anybody to hear a host that was revoked. */
export const CUT_MS = 3_000;

interface Contact {
  readonly host: Host;
  /** When packets were sent that arrived at all, in either direction. */
  readonly heardAt: number[];
}

/** What became of a revocation, in virtual milliseconds. */
export interface Revoked {
  /** Hosts that were awake, and how many of them had heard the laptop before. */
  readonly online: number;
  readonly talked: number;
  /** For each of them, how long after the list was published the last packet was sent that still arrived, in either direction. */
  readonly cutAfterMs: readonly number[];
  /** As a lighthouse counts three seconds after, and in the end. */
  readonly counted: readonly string[];
  /** Packets of the laptop that the sleeper heard once it had been awake for three seconds. */
  readonly heardBySleeper: number;
  readonly others: { readonly sent: number; readonly lost: number };
}

/**
 * Every host sends a packet to the laptop, and hears one from it, five times a second. At second 30 the list is published on a lighthouse, while one host, the nas,
 * sleeps; it wakes at second 45.
 */
export function revokeAmong(count: number): Revoked {
  const nodes: Node[] = [];
  const mesh = new LargeMesh({
    hosts: count + 2,
    lighthouses: 2,
    worldMs: WORLD_MS,
    startMs: 5_000,
    talkFromMs: 8_000,
    talkEveryMs: 500,
    settledMs: 15_000,
    quiet: 2,
    parts: {
      ...lightParts,
      control: (...made) => {
        const node = lightParts.control(...made);
        if (node instanceof Node) nodes.push(node);
        return node;
      },
    },
  });
  const [lighthouse] = mesh.hosts;
  const [nas, laptop] = mesh.hosts.slice(-2);
  if (!lighthouse || !nas || !laptop) throw new Error("there are three hosts at least");
  const contacts = mesh.hosts.filter((host) => host !== laptop).map((host): Contact => ({ host, heardAt: [] }));
  for (const contact of contacts) talk(mesh, contact, laptop);
  mesh.agenda.at(REVOKED_MS - 1_000, () => nas.sleep(WAKES_MS - REVOKED_MS + 1_000));
  mesh.agenda.at(REVOKED_MS, () => {
    mesh.revoked(laptop);
    const bulletin = revocations(1, laptop.settings.live.identity.credential);
    lighthouse.tell({ kind: "bulletins", news: { what: "published", id: 1, bulletin } });
  });
  const counted: string[] = [];
  const look = (): void => {
    const counting = nodes.find((node) => node.status(lighthouse.clock()).name === lighthouse.name);
    for (const { hosts, applied, pending } of counting?.status(lighthouse.clock()).bulletins ?? [])
      counted.push(`applied on ${applied} of ${hosts}; pending: ${pending.join(", ") || "nobody"}`);
  };
  mesh.agenda.at(REVOKED_MS + CUT_MS, look);
  mesh.agenda.at(WORLD_MS - 1, look);
  mesh.run();
  const online = contacts.filter(({ host }) => host !== nas);
  const sleeper = contacts.find(({ host }) => host === nas);
  const { late: sent, lost } = mesh.figures();
  return {
    online: online.length,
    talked: online.filter(({ heardAt }) => heardAt.some((at) => at < REVOKED_MS)).length,
    cutAfterMs: online.map(({ heardAt }) => Math.max(0, (heardAt.at(-1) ?? 0) - REVOKED_MS)),
    counted: counted.map((text) => text.replaceAll(nas.name, "nas")),
    heardBySleeper: sleeper?.heardAt.filter((at) => at >= WAKES_MS + CUT_MS).length ?? 0,
    others: { sent, lost },
  };
}

function talk(mesh: LargeMesh, contact: Contact, laptop: Host): void {
  for (let at = 15_000; at < WORLD_MS - 1_000; at += PING_EVERY_MS)
    mesh.agenda.at(at + mesh.random.below(PING_EVERY_MS), () => {
      for (const [from, to] of [
        [contact.host, laptop],
        [laptop, contact.host],
      ] as const) {
        const sent = mesh.say(from, to);
        mesh.agenda.after(1_000, () => {
          if (sent.deliveredAt !== undefined) contact.heardAt.push(sent.at);
        });
      }
    });
}
