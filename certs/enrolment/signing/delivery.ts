import { toHex } from "../../../src/core/base/bytes.ts";
import { ok, type Result } from "../../../src/core/base/result.ts";
import { wallTime } from "../../../src/core/base/time.ts";
import { CaPool } from "../../../src/core/cert/ca-pool.ts";
import type { Certificate } from "../../../src/core/cert/certificate.ts";
import { parseCertificates } from "../../../src/core/cert/decode.ts";
import { portableSuite } from "../../../src/core/crypto/portable.ts";
import { CLOCK_SKEW_MAX_SECONDS } from "../../../src/core/enrolment/messages.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../../src/core/enrolment/refusal.ts";
import { formatPrefix, formatPrefixes, masked, type Prefix, parsePrefix } from "../../../src/core/netip/prefix.ts";
import { plannedAddresses } from "../addresses.ts";
import type { ServiceFacts } from "../facts.ts";
import type { KeptHost } from "../hosts.ts";
import { keyFingerprint } from "../issuer.ts";
import type { KeptRequest } from "../requests.ts";

/** A certificate that somebody has brought, and what it must be. */
export interface Delivery {
  readonly pem: string;
  readonly request: KeptRequest;
  readonly facts: ServiceFacts;
  /** The host that asks for its next one. */
  readonly renews: KeptHost | undefined;
  readonly nowSeconds: number;
}

type Judged = Result<Certificate, EnrolmentRefusal>;

/** The one certificate of a text, when it is what the request has asked for and every host accepts it; nothing that it says goes unchecked. */
export function judgeDelivery({ pem, request, facts, renews, nowSeconds }: Delivery): Judged {
  const parsed = parseCertificates(pem, portableSuite);
  if (!parsed.ok) return bad(request, `it cannot be read: ${parsed.reason}`, UPLOAD_ONE);
  const [certificate, ...more] = parsed.value;
  if (!certificate || more.length > 0) return bad(request, `${parsed.value.length} came instead of one`, UPLOAD_ONE);
  const why =
    otherKey(certificate, request) ??
    otherAuthority(certificate, facts) ??
    otherContent(certificate, request) ??
    otherNetworks(certificate, facts, renews) ??
    (BigInt(nowSeconds + request.lifetime + CLOCK_SKEW_MAX_SECONDS) < certificate.notAfter
      ? "it would live longer than it was asked for"
      : undefined);
  if (why !== undefined) return bad(request, why, SIGN_AGAIN);
  const refused = refusedByHosts(certificate, facts, nowSeconds);
  return refused === undefined ? ok(certificate) : bad(request, refused, SIGN_AGAIN);
}

function otherKey({ publicKey, curve }: Certificate, request: KeptRequest): string | undefined {
  const key = toHex(publicKey);
  if (key === request.publicKey && curve === request.curve) return undefined;
  return `it is for the key ${keyFingerprint(key)}, and the host that waits has ${keyFingerprint(request.publicKey)}`;
}

function otherAuthority({ issuer, isCa }: Certificate, { authority, network }: ServiceFacts): string | undefined {
  if (isCa) return "it is an authority's";
  if (issuer === authority) return undefined;
  const by = issuer === "" ? "nobody" : `${issuer.slice(0, 16)}…`;
  return `it is signed by ${by}, and ${network.name} belongs to ${authority.slice(0, 16)}…`;
}

function otherContent(
  { name, groups, unsafeNetworks }: Certificate,
  request: Pick<KeptRequest, "name" | "groups">,
): string | undefined {
  if (name !== request.name) return `it is for the name ${JSON.stringify(name)}, and ${request.name} waits`;
  const [is, wanted] = [groups, request.groups].map((each) => [...new Set(each)].sort().join(", "));
  if (is !== wanted) return `its groups are ${is || "none"}, and it was invited into ${wanted || "none"}`;
  const [behind] = unsafeNetworks;
  return behind && `it is for ${formatPrefix(behind)} behind it, which nobody has asked for`;
}

/** One address of each of the network's, none that is planned for a lighthouse or a relay; a host that renews keeps what it has. */
function otherNetworks(
  { networks }: Certificate,
  { network }: ServiceFacts,
  renews: KeptHost | undefined,
): string | undefined {
  const is = formatPrefixes(networks);
  if (renews) {
    const had = renews.networks.join(", ");
    return networks.map(formatPrefix).sort().join() === [...renews.networks].sort().join()
      ? undefined
      : `it is for ${is}, and the host has ${had}`;
  }
  const lain = (prefixes: readonly Prefix[]): string => prefixes.map(masked).map(formatPrefix).sort().join(", ");
  const wanted = lain(network.networks.flatMap((each) => parsePrefix(each) ?? []));
  if (lain(networks) !== wanted) return `it is for ${is}, and the network is ${wanted}`;
  const planned = plannedAddresses(network);
  const reserved = networks.find(({ address }) => planned.includes(address));
  return reserved && `its address ${reserved.address} is that of a lighthouse or a relay`;
}

/** What every host of the network would say. */
function refusedByHosts(certificate: Certificate, { authorities }: ServiceFacts, nowSeconds: number) {
  const now = wallTime(BigInt(nowSeconds) * 1_000_000_000n);
  const trusted = parseCertificates(authorities, portableSuite);
  const loaded = trusted.ok ? CaPool.load(portableSuite, trusted.value, { blocklist: [], now }) : trusted;
  if (!loaded.ok) return `what hosts are to trust cannot be used: ${loaded.reason}`;
  const verified = loaded.value.pool.verify(certificate, now);
  return verified.ok ? undefined : `hosts would refuse it: ${verified.reason.text}`;
}

function bad({ id, name }: KeptRequest, why: string, todo: string): { readonly ok: false; reason: EnrolmentRefusal } {
  return enrolmentRefusal("certificate-bad", `the certificate for ${name} (request ${id})`, why, todo);
}

const UPLOAD_ONE = "send the certificate of this request alone, PEM";
const SIGN_AGAIN = "export what waits again, and sign that: lacis-cert pending -export";
