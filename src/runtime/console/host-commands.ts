import type { Certificate } from "../../core/cert/certificate.ts";
import { Banner, encodePem } from "../../core/cert/pem.ts";
import { type PrintedCertificate, printedCertificate, toJson } from "../../core/cert/printed.ts";
import type { CallDetails, KnownPlaces, NodeDetails, SessionDetails } from "../../core/io.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import { formatPrefix } from "../../core/netip/prefix.ts";
import { utcTime } from "../utc-time.ts";
import {
  type ConsoleCommand,
  failed,
  JSON_FLAG,
  jsonText,
  type Outcome,
  PRETTY_FLAG,
  said,
  withAddress,
} from "./command.ts";
import type { Given } from "./command-line.ts";
import type { ConsoleHost } from "./console-host.ts";

const BY_INDEX = { name: "by-index", about: "gets all hosts in the hostmap from the index table" };
const RAW = { name: "raw", about: "raw prints the PEM encoded certificate, not the details" };
/** The two handshake messages count as sent, as in Nebula. */
const HANDSHAKE_MESSAGES = 2;

/** What can be seen of this host and of others. */
export const HOST_COMMANDS: readonly ConsoleCommand[] = [
  {
    name: "list-hostmap",
    about: "List all known previously connected hosts",
    flags: [BY_INDEX, JSON_FLAG, PRETTY_FLAG],
    run: ({ flags }, host) => {
      const { sessions } = host.details();
      return listed(
        flags.has(BY_INDEX.name) ? sessions : sessions.filter(({ isPrimary }) => isPrimary),
        flags,
        tunnelOf,
      );
    },
  },
  {
    name: "list-pending-hostmap",
    about: "List all handshaking hosts",
    flags: [BY_INDEX, JSON_FLAG, PRETTY_FLAG],
    run: ({ flags }, host) => {
      const { calls } = host.details();
      return listed(
        flags.has(BY_INDEX.name) ? calls.filter(({ localIndex }) => localIndex !== 0) : calls,
        flags,
        pendingOf,
      );
    },
  },
  {
    name: "list-lighthouse-addrmap",
    about: "List all lighthouse map entries",
    flags: [JSON_FLAG, PRETTY_FLAG],
    run: ({ flags }, host) => {
      const details = host.details();
      const entries = details.places.map((places) => ({ vpnAddr: places.host, addrs: addressesOf(places, details) }));
      if (flags.has("json") || flags.has("pretty")) return said(jsonText(entries, flags.has("pretty")));
      return said(entries.map(({ vpnAddr, addrs }) => `${vpnAddr}: ${jsonText(addrs, false)}\n`).join(""));
    },
  },
  {
    name: "print-tunnel",
    about: "Prints json details about a tunnel for the provided vpn addr",
    flags: [{ ...PRETTY_FLAG, about: "pretty prints json" }],
    run: (given, host) =>
      withTunnel(given, host, (session) => said(jsonText(tunnelOf(session), given.flags.has("pretty")))),
  },
  {
    name: "print-cert",
    about: "Prints the current certificate being used or the certificate for the provided vpn addr",
    flags: [{ ...JSON_FLAG, about: "outputs as json" }, PRETTY_FLAG, RAW],
    run: (given, host) => {
      if (given.words.length > 0)
        return withTunnel(given, host, ({ certificate }) => printed(certificate, given.flags));
      const { certificates, initiatingVersion } = host.details();
      const own = certificates.find(({ version }) => version === initiatingVersion) ?? certificates[0];
      return own ? printed(own, given.flags) : failed("This host has no certificate");
    },
  },
  {
    name: "print-relays",
    about: "Prints json details about all relay info",
    flags: [{ ...PRETTY_FLAG, about: "pretty prints json" }],
    run: ({ flags }, host) => said(jsonText({ Relays: relaysOf(host) }, flags.has("pretty"))),
  },
  {
    name: "device-info",
    about: "Prints information about the network device.",
    flags: [{ ...JSON_FLAG, about: "outputs as json with more information" }, PRETTY_FLAG],
    run: ({ flags }, host) => {
      const device = { name: host.device() ?? "", cidr: host.details().networks.map(formatPrefix) };
      if (flags.has("json") || flags.has("pretty")) return said(jsonText(device, flags.has("pretty")));
      return said(`name=${device.name} cidr=[${device.cidr.join(" ")}]`);
    },
  },
];

/** The session that sends to an address; a complaint when there is none. */
export function withTunnel(
  given: Given,
  host: ConsoleHost,
  run: (session: SessionDetails, address: IpAddress) => Outcome,
): Outcome | Promise<Outcome> {
  return withAddress(given, (address) => {
    const session = host
      .details()
      .sessions.find(({ addresses, isPrimary }) => isPrimary && addresses.includes(address));
    return session ? run(session, address) : failed(`Could not find tunnel for vpn addr: ${address}`);
  });
}

/** What is known of where a host is, by whose word; our own is that of the configuration. */
export function addressesOf(
  { host, configured, learned, said: words }: KnownPlaces,
  { networks }: NodeDetails,
): object {
  const [own] = networks;
  const addrs: Record<string, { learned?: readonly string[]; reported?: readonly string[]; relay: readonly string[] }> =
    Object.create(null);
  if (learned.length > 0) addrs[host] = { learned, relay: [] };
  if (configured.length > 0 && own) addrs[own.address] = { reported: configured, relay: [] };
  for (const [owner, reported] of words) addrs[owner] = { ...addrs[owner], reported, relay: [] };
  return addrs;
}

type Tunnel = ReturnType<typeof tunnelOf>;

function listed<Item>(items: readonly Item[], flags: Given["flags"], describe: (item: Item) => Tunnel): Outcome {
  const tunnels = items.map(describe);
  if (flags.has("json") || flags.has("pretty")) return said(jsonText(tunnels, flags.has("pretty")));
  return said(
    tunnels
      .map(({ vpnAddrs, remoteAddrs }) => `[${vpnAddrs.join(" ")}]: [${(remoteAddrs ?? []).join(" ")}]\n`)
      .join(""),
  );
}

function tunnelOf(session: SessionDetails) {
  const { addresses, localIndex, remoteIndex, endpoints, certificate, sentPackets, path, relay } = session;
  return {
    vpnAddrs: addresses,
    localIndex,
    remoteIndex,
    remoteAddrs: endpoints.length > 0 ? endpoints : null,
    cert: inspected(certificate) as PrintedCertificate | null,
    messageCounter: sentPackets + HANDSHAKE_MESSAGES,
    currentRemote: path ?? "",
    currentRelaysToMe: relay === undefined ? [] : [relay],
    currentRelaysThroughMe: [] as readonly string[],
  };
}

function pendingOf({ address, localIndex, endpoints }: CallDetails): Tunnel {
  return {
    vpnAddrs: [address],
    localIndex,
    remoteIndex: 0,
    remoteAddrs: endpoints.length > 0 ? endpoints : null,
    cert: null,
    messageCounter: 0,
    currentRemote: "",
    currentRelaysToMe: [],
    currentRelaysThroughMe: [],
  };
}

function printed(certificate: Certificate, flags: Given["flags"]): Outcome {
  if (flags.has("raw"))
    return said(
      encodePem(certificate.version === 1 ? Banner.certificateV1 : Banner.certificateV2, certificate.encoded),
    );
  const shown = inspected(certificate);
  if (flags.has("pretty")) return said(jsonText(shown, true));
  return said(flags.has("json") ? toJson(shown) : toJson(shown, "indented"));
}

/** By relay: of those that we use whom they lead to, and through this host who reaches whom. */
function relaysOf(host: ConsoleHost): readonly object[] | null {
  const { relayed, peers } = host.status();
  const relays = new Map<string, object[]>();
  const note = (address: string, entry: object): void =>
    void relays.set(address, [...(relays.get(address) ?? []), entry]);
  for (const { relay, addresses } of peers)
    if (relay) note(relay.address, relayEntry("terminal", addresses[0] ?? "", true));
  for (const { hosts, isUp } of relayed) {
    const [one, other] = hosts;
    note(one.address, relayEntry("forwarding", other.address, isUp));
    note(other.address, relayEntry("forwarding", one.address, isUp));
  }
  if (relays.size === 0) return null;
  return [...relays].map(([NebulaAddr, RelayForAddrs]) => ({ NebulaAddr, RelayForAddrs }));
}

function relayEntry(Type: "terminal" | "forwarding", PeerAddr: string, isUp: boolean): object {
  return { Error: null, Type, State: isUp ? "established" : "requested", PeerAddr };
}

function inspected(certificate: Certificate): PrintedCertificate {
  return printedCertificate(certificate, utcTime);
}
