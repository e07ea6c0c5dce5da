import { mistaken, serviceOf } from "../admin/why/ask.ts";
import { type ReportedSide, type WhyReport, whyReport } from "../admin/why/why-report.ts";
import type { CaPool } from "../core/cert/ca-pool.ts";
import type { Certificate } from "../core/cert/certificate.ts";
import { parseCertificates } from "../core/cert/decode.ts";
import type { LiveSettings } from "../core/config/settings.ts";
import { firstPacket } from "../core/firewall/asked-service.ts";
import { type Judge, judge, seenFrom } from "../core/firewall/judge.ts";
import type { Named } from "../core/flow-story.ts";
import { familyOf, type IpAddress } from "../core/netip/address.ts";
import { hostRoutes } from "../core/route/host-routes.ts";
import type { PacketAddresses } from "../core/wire/explanation.ts";
import { readClock } from "../runtime/clock.ts";
import { readText } from "../runtime/config/config-sources.ts";
import { loadConfig } from "../runtime/config/refusable.ts";
import { nodeSuite } from "../runtime/node-crypto.ts";

/** What `lacis why` was asked. */
export interface WhyAsked {
  readonly from: string | undefined;
  readonly to: string;
  readonly service: string;
}

/** One end, from its file. */
interface End {
  readonly field: "FROM" | "TO";
  readonly path: string;
  readonly certificate: Certificate;
  /** Undefined when only its certificate is known. */
  readonly settings: LiveSettings | undefined;
}

export function whyArguments(words: readonly string[]): WhyAsked {
  const [service, to, from, ...more] = [...words].reverse();
  if (service === undefined || to === undefined || more.length > 0)
    throw mistaken("the number of arguments", "one or two hosts and PROTO/PORT are needed", "lacis why db1 tcp/5432");
  // Wrong whoever answers, so that nobody is asked.
  serviceOf(service);
  return { from, to, service };
}

/** Whether the ends are files, so that nobody has to be asked. */
export function isOffline({ from, to }: WhyAsked): boolean {
  return isFile(to) || (from !== undefined && isFile(from));
}

/** Whether a connection would be allowed between two hosts of which there are files: each that gives its rules is judged by them. */
export function whyOffline({ from, to, service }: WhyAsked): WhyReport {
  const asked = serviceOf(service);
  if (from === undefined)
    throw mistaken("FROM", "offline there is no host to start from", "give its configuration or certificate");
  const [source, destination] = [endOf("FROM", from), endOf("TO", to)];
  if (!source.settings && !destination.settings)
    throw mistaken(
      "TO",
      "both ends are certificates, and rules stand in configurations",
      "give the configuration of one of them",
    );
  const [sourceAddress, destinationAddress] = addressesOf(source, destination);
  const packet = firstPacket(asked, sourceAddress, destinationAddress);
  const sides = [sideOf("outbound", source, destination, packet), sideOf("inbound", destination, source, packet)];
  return whyReport(
    packet,
    sides.filter((side) => side !== undefined),
  );
}

function isFile(text: string): boolean {
  return text.includes("/") || /\.(ya?ml|crt|pem)$/.test(text);
}

function endOf(field: End["field"], path: string): End {
  if (!isFile(path))
    throw mistaken(field, `${path} is no file, and the other end is one`, "give files at both ends, or hosts at both");
  if (!/\.(crt|pem)$/.test(path)) {
    const settings = loadConfig(path, nodeSuite).settings.live;
    const { certificates } = settings.identity.credential;
    const certificate = certificates[settings.identity.initiatingVersion] ?? certificates[1] ?? certificates[2];
    if (certificate) return { field, path, certificate, settings };
    throw mistaken(field, `${path} has no certificate`, "set pki.cert");
  }
  const text = readText(path);
  if (!text.ok) throw mistaken(field, `${path} cannot be read`, text.reason.why ?? text.reason.what);
  const read = parseCertificates(text.value, nodeSuite);
  const [certificate] = read.ok ? read.value : [];
  if (certificate && !certificate.isCa) return { field, path, certificate, settings: undefined };
  throw mistaken(field, `${path} is no certificate of a host`, read.ok ? "that of a CA is no use here" : read.reason);
}

/** The first of each that are of one family. */
function addressesOf(from: End, to: End): readonly [IpAddress, IpAddress] {
  for (const { address: source } of from.certificate.networks)
    for (const { address: destination } of to.certificate.networks)
      if (familyOf(source) === familyOf(destination)) return [source, destination];
  throw mistaken("TO", `${from.path} and ${to.path} have no addresses of one family`, "compare their certificates");
}

function sideOf(
  direction: "inbound" | "outbound",
  end: End,
  other: End,
  packet: PacketAddresses,
): ReportedSide | undefined {
  const { settings } = end;
  if (!settings) return undefined;
  const { identity, firewall: rules, tun } = settings;
  const { networks, unsafeNetworks } = identity.credential;
  const host: Judge<Certificate> = {
    rules,
    routes: hostRoutes({ networks, unsafeNetworks, unsafeRoutes: tun.unsafeRoutes }),
    caOf: (certificate) => identity.pool.caOf(certificate),
  };
  return {
    host: namedBy(end),
    isOwn: false,
    direction,
    peer: { ...namedBy(other), groups: other.certificate.groups },
    judgement: judge(host, direction, seenFrom(direction, packet), other.certificate),
    silence: undefined,
    distrust: distrust(identity.pool, other.certificate),
  };
}

function distrust(pool: CaPool, certificate: Certificate): ReportedSide["distrust"] {
  const verified = pool.verify(certificate, readClock().wall);
  return verified.ok ? undefined : verified.reason;
}

function namedBy({ certificate: { name, networks } }: End): Named {
  return { name, address: networks[0]?.address ?? ("0.0.0.0" as IpAddress) };
}
