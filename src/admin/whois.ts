import type { Certificate } from "../core/cert/certificate.ts";
import { type IpAddress, parseAddress } from "../core/netip/address.ts";
import { endpointAddress, parseEndpoint } from "../core/netip/endpoint.ts";
import { contains, formatPrefix, masked } from "../core/netip/prefix.ts";
import type { NamedHost } from "../core/node/directory.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { ADMIN_SCHEMA } from "./protocol.ts";
import { outsideText, strangeName } from "./stranger.ts";

/** `lacis whois --json`. Field names are promised stable (docs/CLI.md). */
export interface WhoisReport {
  readonly schema: typeof ADMIN_SCHEMA;
  /** The overlay address that was asked about; null when a name was. */
  readonly address: string | null;
  /** Whose it is; of an address behind hosts, those whose certificates let them carry it. */
  readonly hosts: readonly WhoisHost[];
}

export interface WhoisHost {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly groups: readonly string[];
  /** The network behind it that the address lies in; null: the address is its own. */
  readonly behind: string | null;
  readonly isThisHost: boolean;
  readonly certificate: {
    readonly fingerprint: string;
    /** Fingerprint of the authority's. */
    readonly issuer: string;
    readonly version: number;
    /** ISO 8601. */
    readonly notBefore: string;
    readonly notAfter: string;
  };
}

/** What is known here of who has which address. */
export interface KnownHosts {
  /** This host first, then everybody with a tunnel. */
  readonly directory: readonly NamedHost[];
  /** This host's networks, for people. */
  readonly networks: string;
  readonly isOverlay: (address: IpAddress) => boolean;
}

/**
 * The verified identity behind an address of the overlay, `address:port` as a program sees its caller, or a name. Throws when nobody known here has it: what a
 * certificate does not say is not guessed.
 */
export function whois(text: string, known: KnownHosts): WhoisReport {
  const address = addressIn(text);
  const { directory } = known;
  const [own] = directory;
  const report = (hosts: readonly WhoisHost[]): WhoisReport => ({
    schema: ADMIN_SCHEMA,
    address: address ?? null,
    hosts,
  });
  if (address === undefined) {
    const named = directory.filter(({ name }) => name === text);
    if (named.length === 0) throw unknownName(text, directory);
    return report(named.map((host) => whoisHost(host, null, host === own)));
  }
  const owners = directory.filter(({ addresses }) => addresses.includes(address));
  if (owners.length > 0) return report(owners.map((host) => whoisHost(host, null, host === own)));
  const behind = directory.flatMap((host) => {
    const network = host.certificate.unsafeNetworks.find((one) => contains(one, address));
    return network ? [whoisHost(host, formatPrefix(masked(network)), host === own)] : [];
  });
  if (behind.length > 0) return report(behind);
  throw known.isOverlay(address) ? unmet(address) : outside(address, known.networks);
}

function addressIn(text: string): IpAddress | undefined {
  const place = parseEndpoint(text);
  return parseAddress(text) ?? (place && endpointAddress(place));
}

function whoisHost({ name, addresses, certificate }: NamedHost, behind: string | null, isThisHost: boolean): WhoisHost {
  const { groups, fingerprint, issuer, version, notBefore, notAfter }: Certificate = certificate;
  const dates = { notBefore: isoDate(notBefore), notAfter: isoDate(notAfter) };
  return { name, addresses, groups, behind, isThisHost, certificate: { fingerprint, issuer, version, ...dates } };
}

function isoDate(unixSeconds: bigint): string {
  return new Date(Number(unixSeconds) * 1_000).toISOString();
}

function unmet(address: IpAddress): OperatorError {
  return new OperatorError("unknown-peer", {
    what: `nobody known here has ${address}`,
    why: "no tunnel leads there, and without one this host has seen no certificate for that address",
    todo: `lacis ping ${address} builds one, if somebody has it`,
  });
}

function outside(address: IpAddress, networks: string): OperatorError {
  const todo = "give an overlay address, as it stands in a certificate";
  const complaint = { what: `${address} is nobody's here`, why: outsideText(networks), todo };
  return new OperatorError("unknown-peer", complaint, ExitCode.usage);
}

function unknownName(text: string, directory: readonly NamedHost[]): OperatorError {
  const names = directory.map(({ name }) => name);
  return strangeName(text, names, "no tunnel leads to a host with that name");
}
