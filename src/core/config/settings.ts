import type { CaPool } from "../cert/ca-pool.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import type { Credential } from "../cert/credential.ts";
import type { Cipher } from "../crypto/suite.ts";
import type { RecvErrorPolicy } from "../dataplane/contract.ts";
import type { Rule } from "../firewall/rule.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { Prefix } from "../netip/prefix.ts";
import type { Notice } from "../notice.ts";

/** An underlay address as an operator writes it: a literal, or a name that the runtime resolves. Port 1..65535. */
export type HostPort =
  | { readonly kind: "literal"; readonly endpoint: Endpoint }
  | { readonly kind: "name"; readonly name: string; readonly port: number };

/** Everything the core needs to know, checked and typed. Made by `config/` from the configuration file. */
export interface Settings {
  readonly identity: Identity;
  readonly cipher: Cipher;
  /** Overlay address -> where it is known to be (static_host_map). */
  readonly staticHosts: ReadonlyMap<IpAddress, readonly HostPort[]>;
  readonly staticMap: {
    readonly cadenceMs: number;
    readonly network: "ip4" | "ip6" | "ip";
    readonly lookupTimeoutMs: number;
  };
  readonly lighthouse: LighthouseSettings;
  readonly listen: ListenSettings;
  readonly punchy: PunchySettings;
  readonly tun: TunSettings;
  readonly handshakes: { readonly tryIntervalMs: number; readonly retries: number };
  readonly tunnels: { readonly dropInactive: boolean; readonly inactivityTimeoutMs: number };
  readonly timers: { readonly connectionAliveMs: number; readonly pendingDeletionMs: number };
  readonly preferredRanges: readonly Prefix[];
  readonly firewall: { readonly inbound: readonly Rule[]; readonly outbound: readonly Rule[] };
}

/** Who this host is and whom it trusts. */
export interface Identity {
  readonly credential: Credential;
  readonly pool: CaPool;
  /** Disconnect peers whose certificate has expired or lost its CA (pki.disconnect_invalid). */
  readonly disconnectInvalid: boolean;
  /** Certificate version offered in handshakes that we start (pki.initiating_version). */
  readonly initiatingVersion: CertificateVersion;
}

export interface LighthouseSettings {
  readonly amLighthouse: boolean;
  /** Overlay addresses of the lighthouses we report to and query. */
  readonly hosts: readonly IpAddress[];
  /** 0: never report. */
  readonly intervalMs: number;
  readonly advertise: readonly HostPort[];
}

export interface ListenSettings {
  readonly host: IpAddress;
  readonly port: number;
  readonly batch: number;
  readonly readBufferBytes: number;
  readonly writeBufferBytes: number;
  readonly soMark: number;
  readonly sendRecvError: RecvErrorPolicy;
  readonly acceptRecvError: RecvErrorPolicy;
}

export interface PunchySettings {
  readonly punch: boolean;
  readonly respond: boolean;
  readonly delayMs: number;
  readonly respondDelayMs: number;
  readonly targetAllRemotes: boolean;
}

export interface TunSettings {
  readonly disabled: boolean;
  /** Empty: the operating system chooses. */
  readonly device: string;
  readonly mtu: number;
  readonly txQueue: number;
  readonly dropLocalBroadcast: boolean;
  readonly dropMulticast: boolean;
}

/** What the runtime's log needs to know (logging.*); no business of the core's. */
export interface LoggingSettings {
  readonly level: Notice["level"];
  readonly format: "text" | "json";
  readonly timestamps: boolean;
}
