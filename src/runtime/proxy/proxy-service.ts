import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Settings } from "../../core/config/settings.ts";
import { familyOf, type IpAddress } from "../../core/netip/address.ts";
import { contains } from "../../core/netip/prefix.ts";
import type { Service } from "../service.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import { type Asker, denialOf, type Moment, REFUSED, UNANSWERED } from "./denial.ts";
import { type RefusalWords, SocksReply, type SocksTarget } from "./socks.ts";
import { serveSocks } from "./socks-session.ts";
import { type Dialled, dialStream } from "./stream-client.ts";

/** Programs at once: as many streams as the data plane carries. */
const CLIENTS_MAX = 256;

/** Knows the addresses of the host with a name, and what both ends do with a packet. */
export interface Finder extends Asker {
  find(name: string): Promise<readonly IpAddress[]>;
}

/**
 * SOCKS5 for programs of this user, on a host whose device is in user space. Who may connect is who may open the socket: its owner. Names are those of the
 * overlay; whatever is not in it is refused, so that nothing ever leaves by another way than was meant.
 */
export function proxyService(state: StateDirectory, running: { readonly settings: Settings }, finder: Finder): Service {
  let server: Server | undefined;
  const clients = new Set<Socket>();
  const dial = async (target: SocksTarget): Promise<Dialled> => {
    const address = "address" in target ? target.address : await addressOf(target.name, running.settings, finder);
    if (address === undefined) return { refused: SocksReply.hostUnreachable };
    if (!isInOverlay(address, running.settings)) return { refused: SocksReply.notAllowed };
    const { port } = target;
    return unlessDenied(
      (signal) => dialStream(state.streamsSocket, address, port, signal),
      (...when) => denialOf(finder, { address, port, name: "name" in target ? target.name : address }, ...when),
    );
  };
  return {
    name: "proxy",
    async start() {
      if (!running.settings.boot.tun.inUserSpace) return;
      rmSync(state.proxySocket, { force: true });
      const listening = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
        clients.add(client);
        client.on("close", () => clients.delete(client));
        void serveSocks(client, { password: undefined, offersChunks: true, dial });
      });
      listening.maxConnections = CLIENTS_MAX;
      await new Promise<void>((resolve, reject) => {
        // For good: an accept that fails later must not end the daemon.
        listening.on("error", reject);
        listening.listen(state.proxySocket, resolve);
      });
      chmodSync(state.proxySocket, 0o600);
      server = listening;
    },
    stop() {
      server?.close();
      for (const client of clients) client.destroy();
    },
  };
}

/** Whichever is known first: that somebody has answered, or that rules let nobody answer. */
async function unlessDenied(
  dial: (signal: AbortSignal) => Promise<Dialled>,
  denial: (moment: Moment, signal?: AbortSignal) => Promise<RefusalWords | undefined>,
): Promise<Dialled> {
  const [dialling, asking] = [new AbortController(), new AbortController()];
  const dialled = dial(dialling.signal);
  const denied = denial(UNANSWERED, asking.signal).then((words) => words && notAllowed(words));
  const first = (await Promise.race([dialled, denied])) ?? (await dialled);
  asking.abort();
  if (!("refused" in first)) return first;
  dialling.abort();
  const words = first.refused === SocksReply.refused ? await denial(REFUSED) : undefined;
  return words ? notAllowed(words) : first;
}

function notAllowed(words: RefusalWords): Dialled {
  return { refused: SocksReply.notAllowed, words };
}

/** Of a name, with or without the overlay's domain. */
async function addressOf(name: string, { boot, live }: Settings, finder: Finder): Promise<IpAddress | undefined> {
  const bare = name.toLowerCase().replace(/\.$/, "");
  const domain = boot.names.domain;
  const suffix = domain === undefined ? "" : `.${domain}`;
  const host = suffix !== "" && bare.endsWith(suffix) ? bare.slice(0, -suffix.length) : bare;
  const families = new Set(live.identity.credential.addresses.map(familyOf));
  return (await finder.find(host)).find((address) => families.has(familyOf(address)));
}

function isInOverlay(address: IpAddress, { live }: Settings): boolean {
  const { identity, tun } = live;
  const known = [...identity.credential.networks, ...tun.unsafeRoutes.map(({ prefix }) => prefix)];
  return known.some((prefix) => contains(prefix, address));
}
