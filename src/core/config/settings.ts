import type { Identity } from "../cert/identity.ts";
import type { Cipher } from "../crypto/suite.ts";
import type { FlowTimeouts, RecvErrorPolicy } from "../dataplane/contract.ts";
import type { Ruleset } from "../firewall/rule.ts";
import type { IpAddress } from "../netip/address.ts";
import type { RemoteAllowList } from "../netip/allow-list.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { OwnAllowList } from "../netip/own-allow-list.ts";
import type { Prefix } from "../netip/prefix.ts";
import type { Notice } from "../notice.ts";
import type { UnsafeRoute } from "../route/route.ts";
import type { Place, Placed } from "./document/document.ts";

/**
 * Everything the core needs to know, checked and typed, in two halves: a reload hands over a new `live` half and has no place for the other.
 * The schema says which key belongs where, and the parser refuses to read one into the wrong half. A section with keys of both kinds stands
 * in both.
 */
export interface Settings {
  readonly boot: BootSettings;
  readonly live: LiveSettings;
}

/** Fixed from the start of the process to its end. */
export interface BootSettings {
  readonly cipher: Cipher;
  readonly lighthouse: { readonly amLighthouse: boolean };
  readonly listen: {
    readonly host: Host;
    readonly port: number;
    readonly batch: number;
    readonly readBufferBytes: number;
    readonly writeBufferBytes: number;
    readonly soMark: number;
  };
  readonly tun: {
    readonly disabled: boolean;
    /** TCP ends in the data plane, for programs of its user. */
    readonly inUserSpace: boolean;
    /** Empty: the operating system chooses. */
    readonly device: string;
    readonly txQueue: number;
    /** Whether routes of others through the device count as unsafe routes, and the buffer for news of them (0: the system's choice). */
    readonly systemRoutes: { readonly learned: boolean; readonly bufferBytes: number };
  };
  /** How socket and device are read. */
  readonly queues: {
    /** Queues of each of them, with a thread for each. */
    readonly pairs: number;
    readonly udpOffloads: boolean;
    readonly tunOffloads: boolean;
    /** Where the threads run that read the device. */
    readonly threads: {
      readonly pinned: boolean;
      /** What moves the beginning, so that several hosts on one machine do not all begin on the same CPU; "": whatever tells them apart. */
      readonly seed: "" | "pid" | "port";
      /** Empty: any. */
      readonly cpus: readonly number[];
    };
  };
  readonly names: NameSettings;
  readonly handshakes: { readonly tryIntervalMs: number; readonly retries: number };
  readonly timers: { readonly connectionAliveMs: number; readonly pendingDeletionMs: number };
}

/** What a reload replaces. The networks and the curve of the identity stay those of the start: `planReload` refuses others. */
export interface LiveSettings {
  readonly identity: Identity;
  /** Overlay address -> where it is known to be (static_host_map). */
  readonly staticHosts: ReadonlyMap<IpAddress, readonly HostPort[]>;
  readonly staticMap: {
    readonly cadenceMs: number;
    readonly network: "ip4" | "ip6" | "ip";
    readonly lookupTimeoutMs: number;
  };
  readonly lighthouse: {
    /** Overlay addresses of the lighthouses we report to and query. */
    readonly hosts: readonly IpAddress[];
    /** 0: never report. */
    readonly intervalMs: number;
    /** Port 0: the one that our socket is bound to. */
    readonly advertise: readonly HostPort[];
    readonly remoteAllowList: RemoteAllowList;
    readonly ownAllowList: OwnAllowList;
    readonly calculatedRemotes: readonly CalculatedRange[];
    readonly dns: DnsSettings;
  };
  readonly relay: RelaySettings;
  readonly carrier: CarrierSettings;
  readonly listen: {
    readonly sendRecvError: RecvErrorPolicy;
    readonly acceptRecvError: RecvErrorPolicy;
    /** Whether the router in front is asked for a port that leads here. */
    readonly mapPort: boolean;
  };
  readonly punchy: PunchySettings;
  readonly tun: {
    readonly dropLocalBroadcast: boolean;
    readonly dropMulticast: boolean;
    readonly mtu: number;
    /** Parts of the overlay with an MTU of their own. */
    readonly routes: readonly { readonly prefix: Prefix; readonly mtu: number }[];
    readonly unsafeRoutes: readonly UnsafeRoute[];
  };
  readonly tunnels: { readonly dropInactive: boolean; readonly inactivityTimeoutMs: number };
  readonly counters: { readonly tryPromotePackets: number; readonly requeryPackets: number };
  readonly timers: { readonly requeryWaitMs: number };
  readonly preferredRanges: readonly Prefix[];
  readonly firewall: Ruleset;
  /** Undefined where somebody else renews this host's certificate (pki.enrolment). */
  readonly renewal: RenewalSettings | undefined;
  /** Whether the rules of the network's policy take the place of `firewall`, where there is one (firewall.policy). */
  readonly goesByPolicy: boolean;
  /** Whether peers hear why they are refused (firewall.tell_peers). */
  readonly tellsPeers: boolean;
  /** Room on disk for what became of flows; 0 keeps nothing. */
  readonly flowLog: { readonly megabytes: number };
  /** How long flows are remembered, and how many (firewall.conntrack). */
  readonly conntrack: { readonly timeouts: FlowTimeouts; readonly limit: number };
}

/** The files with which a host renews its certificate. Undefined: PEM text that stands in the configuration itself. */
export interface RenewalSettings {
  readonly enrolment: WrittenPath;
  readonly certificate: WrittenPath | undefined;
  readonly key: WrittenPath | undefined;
  readonly authorities: WrittenPath | undefined;
}

/** A path as it is written; a relative one starts at the folder of the file that names it. */
export interface WrittenPath {
  readonly path: string;
  readonly writtenIn: string;
}

/** An address as an operator writes it: itself, or a name that the runtime resolves. */
export type Host = IpAddress | HostName;

export interface HostName {
  readonly name: string;
}

/** `dns.*`: names of the overlay for programs on this host. */
export interface NameSettings {
  /** In lower case, without a dot at its end; undefined: the system's resolver is left alone. */
  readonly domain: string | undefined;
  readonly mode: "auto" | "resolved" | "resolvconf" | "file";
}

/** `lighthouse.serve_dns`, `lighthouse.dns.*`. */
export interface DnsSettings {
  readonly serve: boolean;
  /** Undefined: our overlay addresses and loopback. */
  readonly host: Host | undefined;
  readonly port: number;
}

/** `lighthouse.calculated_remotes`: where hosts of an overlay range may be, as far as their overlay address tells. */
export interface CalculatedRange {
  readonly overlay: Prefix;
  /** Of the family of the range. The first bits are those of `mask`, the others those of the overlay address. */
  readonly remotes: readonly { readonly mask: Prefix; readonly port: number }[];
}

/** An underlay address as an operator writes it: a literal, or a name that the runtime resolves. Port 1..65535, or 0 where it stands for ours. */
export type HostPort =
  | { readonly kind: "literal"; readonly endpoint: Endpoint }
  | { readonly kind: "name"; readonly name: string; readonly port: number };

export interface PunchySettings {
  readonly punch: boolean;
  readonly respond: boolean;
  readonly delayMs: number;
  readonly respondDelayMs: number;
  readonly targetAllRemotes: boolean;
}

export interface RelaySettings {
  readonly amRelay: boolean;
  /** Never on a relay: it would have to be reached through others itself. */
  readonly useRelays: boolean;
  /** Overlay addresses through which others reach this host; none on a relay. */
  readonly relays: readonly IpAddress[];
  /** Thousands of bytes that one host may have forwarded in a second; 0: as many as it likes. */
  readonly peerKilobytes: number;
}

/** `carrier.*`: datagrams over TCP, where UDP is blocked. */
export interface CarrierSettings {
  /** Where others may come so; 0: nowhere. */
  readonly listenPort: number;
  /** At which port lighthouses and relays are tried; 0: not at all. */
  readonly port: number;
}

/** What the runtime's log needs to know (logging.*), all of it live; no business of the core's. */
export interface LoggingSettings {
  readonly level: Notice["level"];
  readonly format: "text" | "json";
  readonly timestamps: boolean;
}

/** Where metrics go (stats.*), all of it live; no business of the core's. */
export type StatsSettings =
  | { readonly to: "nobody" }
  | (MetricsChoice & {
      readonly to: "graphite";
      readonly carrier: "tcp" | "udp";
      /** Address family that the receiver's name is resolved to; 0: either. */
      readonly family: 0 | 4 | 6;
      readonly receiver: HostPort;
      readonly prefix: string;
    })
  | (MetricsChoice & {
      readonly to: "prometheus";
      readonly listen: ListenAddress;
      readonly path: string;
      /** Both parts of the prefix as they stand in names. */
      readonly namespace: string;
      readonly subsystem: string;
    });

interface MetricsChoice {
  readonly intervalMs: number;
  /** Whether messages are told apart by type; lighthouse messages likewise. */
  readonly messages: boolean;
  readonly lighthouse: boolean;
}

/** Which collector gets what (opentelemetry.*), all of it live; no business of the core's. */
export interface TelemetrySettings extends MetricsChoice {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly metrics: boolean;
  readonly flows: boolean;
}

/** A TCP address to serve on; without a host every address of this machine. */
export interface ListenAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/** The console over SSH (sshd.*), all of it live; no business of the core's. Undefined where it is off. */
export interface ConsoleSettings {
  readonly listen: ListenAddress;
  /** PEM. */
  readonly hostKey: string;
  readonly hostKeyPlace: Place;
  readonly users: readonly { readonly name: string; readonly keys: readonly Placed<string>[] }[];
  readonly authorities: readonly Placed<string>[];
  /** "": the default. */
  readonly sandboxDirectory: string;
}

/** Whether the operating system has a device with the overlay's addresses, and so is to be told of routes and names. */
export function hasSystemDevice({ disabled, inUserSpace }: BootSettings["tun"]): boolean {
  return !disabled && !inUserSpace;
}
