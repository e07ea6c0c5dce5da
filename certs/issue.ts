import type { Result } from "../src/core/base/result.ts";
import type { Certificate, CertificateVersion } from "../src/core/cert/certificate.ts";
import { type Excess, excessOver } from "../src/core/cert/constraints.ts";
import type { CertificateContent } from "../src/core/cert/content.ts";
import type { Curve } from "../src/core/crypto/suite.ts";
import { formatPrefixes, type Prefix } from "../src/core/netip/prefix.ts";
import type { Authority } from "./authority.ts";
import { checkedRequest } from "./constraints.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { signContent } from "./sign.ts";

/** What a host's certificate is to say. */
export interface HostRequest {
  readonly name: string;
  /** The host's addresses with the length of their network: "10.77.1.2/16". Version 1 carries exactly one, of IPv4. */
  readonly networks: readonly Prefix[];
  readonly unsafeNetworks?: readonly Prefix[];
  readonly groups?: readonly string[];
  /** The host's public key; its private key never comes here. */
  readonly publicKey: Uint8Array;
  readonly curve: Curve;
  /** The CA's when it is left out. */
  readonly version?: CertificateVersion;
  /** Unix seconds. */
  readonly notBefore: bigint;
  /** One second before the CA expires when it is left out. */
  readonly notAfter?: bigint;
}

/** Makes a certificate that every host which trusts this authority accepts, or says why it would not. */
export function issue({ certificate: ca, key }: Authority, request: HostRequest): Result<Certificate, Refusal> {
  const what = `the certificate ${JSON.stringify(request.name)}`;
  const content: CertificateContent = {
    version: request.version ?? ca.version,
    curve: request.curve,
    name: request.name,
    networks: request.networks,
    unsafeNetworks: request.unsafeNetworks ?? [],
    groups: request.groups ?? [],
    notBefore: request.notBefore,
    notAfter: request.notAfter ?? ca.notAfter - 1n,
    isCa: false,
    issuer: ca.fingerprint,
    publicKey: request.publicKey,
  };
  const checked = checkedRequest(content, what);
  if (!checked.ok) return checked;
  if (request.curve !== ca.curve) {
    return refuse(
      what,
      `the host's key is of curve ${request.curve}, the CA's of ${ca.curve}`,
      "make a key of the CA's curve",
    );
  }
  const excess = excessOver(ca, content);
  if (excess) return refuse(what, excess.text, wayOut(excess, ca));
  return signContent(content, key, what);
}

function wayOut({ code }: Excess, ca: Certificate): string {
  const limits = {
    "outlives-ca": "give a shorter -duration, or renew the CA",
    "group-not-allowed": `the CA signs for ${ca.groups.join(", ")}`,
    "network-not-allowed": `the CA signs inside ${formatPrefixes(ca.networks)}`,
    "unsafe-network-not-allowed": `the CA signs inside ${formatPrefixes(ca.unsafeNetworks)}`,
  } as const;
  return code === "outlives-ca" ? limits[code] : `${limits[code]}; stay inside, or use another CA`;
}
