import { parseEndpoint } from "../../core/netip/endpoint.ts";
import { contains } from "../../core/netip/prefix.ts";
import { OperatorError } from "../operator-error.ts";
import { type ConsoleCommand, failed, jsonText, said, withAddress } from "./command.ts";
import { addressesOf, withTunnel } from "./host-commands.ts";

const ADDRESS = {
  name: "address",
  about: "the address and port of the host, outside the overlay",
  takes: "text",
} as const;
const LOCAL_ONLY = { name: "local-only", about: "disables notifying the remote that the tunnel is shutting down" };
/** How long a lighthouse may take to answer. */
const ANSWER_MS = 1_000;
const LOOK_AGAIN_MS = 50;

/** What changes something. */
export const ORDER_COMMANDS: readonly ConsoleCommand[] = [
  {
    name: "create-tunnel",
    about: "Creates a tunnel for the provided vpn address",
    flags: [ADDRESS],
    run: (given, host) =>
      withAddress(given, (address) => {
        const text = given.flags.get(ADDRESS.name);
        const at = text === undefined ? undefined : parseEndpoint(text);
        if (text !== undefined && !at) return failed("Address could not be parsed");
        const { sessions, calls, networks } = host.details();
        if (sessions.some(({ addresses }) => addresses.includes(address))) return said("Tunnel already exists");
        const isUnderWay = calls.some((call) => call.address === address);
        if (isUnderWay && !at) return said("Tunnel already handshaking");
        if (!networks.some((network) => contains(network, address))) return failed(`${address} is outside the overlay`);
        host.order({ what: "create-tunnel", address, at });
        const began = host.details();
        const isThere = began.calls.some((call) => call.address === address);
        return isThere
          ? said("Created")
          : failed(`A tunnel to ${address} cannot be built: is it a host of this network?`);
      }),
  },
  {
    name: "change-remote",
    about: "Changes the remote address used in the tunnel for the provided vpn addr",
    flags: [ADDRESS],
    run: (given, host) => {
      const text = given.flags.get(ADDRESS.name);
      if (text === undefined && given.words.length > 0) return failed("No address was provided");
      const at = parseEndpoint(text ?? "");
      if (given.words.length > 0 && !at) return failed("Address could not be parsed");
      return withTunnel(given, host, (_, address) => {
        if (at) host.order({ what: "change-remote", address, at });
        return said("Changed");
      });
    },
  },
  {
    name: "close-tunnel",
    about: "Closes a tunnel for the provided vpn addr",
    flags: [LOCAL_ONLY],
    run: (given, host) =>
      withTunnel(given, host, (_, address) => {
        host.order({ what: "close-tunnel", address, tellPeer: !given.flags.has(LOCAL_ONLY.name) });
        return said("Closed");
      }),
  },
  {
    name: "query-lighthouse",
    about: "Query the lighthouses for the provided vpn address",
    flags: [],
    run: (given, host) =>
      withAddress(given, async (address) => {
        host.order({ what: "ask-where", address });
        const known = (): object | undefined => {
          const details = host.details();
          const places = details.places.find((one) => one.host === address);
          const isSaid = places && (places.said.size > 0 || places.configured.length > 0 || places.learned.length > 0);
          return isSaid ? addressesOf(places, details) : undefined;
        };
        const until = performance.now() + ANSWER_MS;
        while (!known() && performance.now() < until)
          await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
        const found = known();
        return found ? said(jsonText(found, false)) : failed("null");
      }),
  },
  {
    name: "reload",
    about: "Reloads configuration from disk, same as sending HUP to the process",
    flags: [],
    run: (_, host) => {
      try {
        host.reload();
        return said("Reloading config");
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error;
        return failed([error.message, ...(error.complaint.details ?? [])].join("\n"));
      }
    },
  },
];
