import type { WallTime } from "../../base/time.ts";
import type { Identity } from "../../cert/identity.ts";
import type { CryptoSuite } from "../../crypto/suite.ts";
import type { RecvErrorPolicy } from "../../dataplane/contract.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { ConfigError, ConfigWarning } from "../document/config-error.ts";
import type { ConfigDocument } from "../document/document.ts";
import { type EffectiveValue, effectiveValues, valueDigests } from "../document/effective.ts";
import { Findings } from "../document/findings.ts";
import { collectKeys } from "../schema/keys.ts";
import { type Difference, differencesOf } from "../schema/unlike-nebula.ts";
import type {
  BootSettings,
  ConsoleSettings,
  HostPort,
  LiveSettings,
  LoggingSettings,
  Settings,
  StatsSettings,
  TelemetrySettings,
} from "../settings.ts";
import { checkDomain, domainOf } from "./check-domain.ts";
import { checkMeaning, checkNetworks, type Meaning, usableAdvertised } from "./check-meaning.ts";
import { checkOverlayRoutes, usableUnsafeRoutes } from "./check-routes.ts";
import { checkSides } from "./check-sides.ts";
import { parseOwnAllowList, parseRemoteAllowList } from "./parse-allow-lists.ts";
import { parseCalculatedRemotes } from "./parse-calculated-remotes.ts";
import { parseConsole } from "./parse-console.ts";
import { parseAdvertised, parseStaticHosts, type StaticHost } from "./parse-discovery.ts";
import { parseIdentity } from "./parse-identity.ts";
import { parseLogging, parseStats } from "./parse-operation.ts";
import { parseQueues } from "./parse-queues.ts";
import { parseRenewal } from "./parse-renewal.ts";
import { parseOverlayRoutes, parseUnsafeRoutes } from "./parse-routes.ts";
import { parseTelemetry } from "./parse-telemetry.ts";
import type { PemTexts } from "./pem-reference.ts";
import { ConfigReader } from "./reader.ts";
import { assembleFirewall, parseFirewall } from "./rules/parse-firewall.ts";

/** What a configuration says. Settings are there only when nothing is wrong. */
export interface ParsedConfig {
  readonly settings: Settings | undefined;
  readonly logging: LoggingSettings;
  readonly stats: StatsSettings;
  /** Undefined where there is no collector. */
  readonly telemetry: TelemetrySettings | undefined;
  readonly console: ConsoleSettings | undefined;
  readonly errors: readonly ConfigError[];
  readonly warnings: readonly ConfigWarning[];
  readonly effective: readonly EffectiveValue[];
  /** Where a host with this configuration is not as it would be under Nebula. */
  readonly differences: readonly Difference[];
  readonly digests: ReadonlyMap<string, string>;
}

/**
 * Reads and checks a whole configuration; everything that is wrong is reported at once, in the order of the files. `pems` holds what
 * the runtime loaded for `pemReferences`; a text that it could not load is missing there, and reported by it.
 */
export function parseSettings(
  document: ConfigDocument,
  pems: PemTexts,
  env: { readonly suite: CryptoSuite; readonly wall: WallTime },
  findings: Findings = new Findings(),
): ParsedConfig {
  const { root } = document;
  const found = collectKeys(root, findings);
  const reader = new ConfigReader(found, findings);
  const rest = parseWithoutIdentity(reader, findings);
  const identity = parseIdentity(reader, pems, { ...env, start: root.place }, findings);
  checkDomain(rest.boot, reader, findings);
  if (identity) checkSides(rest.meaning, identity.credential.networks, findings);
  checkMeaning(rest.meaning, reader, root.place, findings);
  if (identity) checkNetworks(rest.meaning, identity.credential.networks, reader, findings);
  if (identity) checkOverlayRoutes(rest.meaning.routes, identity.credential.networks, findings);
  const logging = parseLogging(reader.live);
  const console = parseConsole(reader.live, pems, findings);
  const stats = parseStats(reader.live, findings) ?? { to: "nobody" };
  const telemetry = parseTelemetry(reader.live, rest.live.flowLog, findings);
  const settings = identity && assemble(rest, identity, findings);
  return {
    settings: findings.hasErrors ? undefined : settings,
    logging,
    stats,
    telemetry,
    console,
    errors: findings.errors(),
    warnings: findings.warnings(),
    effective: effectiveValues(found),
    differences: differencesOf(found),
    digests: valueDigests(found, pems, env.suite),
  };
}

function assemble(
  { boot, meaning, live, firewall }: ReturnType<typeof parseWithoutIdentity>,
  identity: Identity,
  findings: Findings,
): Settings {
  const advertised = usableAdvertised(meaning.advertised, identity.credential.networks, findings);
  const advertise = advertised.map(({ hostPort }) => hostPort);
  const staticHosts = staticHostMap(meaning.staticHosts);
  const unsafeRoutes = usableUnsafeRoutes(meaning.unsafeRoutes, identity.credential, findings);
  const tun = { ...live.tun, unsafeRoutes };
  return {
    boot,
    live: {
      ...live,
      identity,
      firewall: assembleFirewall(firewall, { identity, routed: unsafeRoutes.map(({ prefix }) => prefix) }, findings),
      staticHosts,
      tun,
      lighthouse: { ...live.lighthouse, advertise },
    },
  };
}

function parseWithoutIdentity(reader: ConfigReader, findings: Findings) {
  const boot = parseBoot(reader.boot);
  const { live } = reader;
  const firewall = parseFirewall(live, findings);
  const meaning: Meaning = {
    amLighthouse: boot.lighthouse.amLighthouse,
    lighthouses: live.addresses("lighthouse.hosts"),
    listenHost: boot.listen.host,
    listenPort: boot.listen.port,
    network: live.choice<LiveSettings["staticMap"]["network"]>("static_map.network"),
    amRelay: live.boolean("relay.am_relay"),
    relays: live.addresses("relay.relays"),
    staticHosts: parseStaticHosts(live, findings),
    advertised: parseAdvertised(live, findings),
    calculated: parseCalculatedRemotes(live, findings),
    remoteAllowList: parseRemoteAllowList(live, findings),
    ownAllowList: parseOwnAllowList(live, findings),
    servesDns: live.boolean("lighthouse.serve_dns"),
    rules: firewall,
    tunDisabled: boot.tun.disabled,
    mtu: live.integer("tun.mtu"),
    routes: parseOverlayRoutes(live.given("tun.routes")?.node, findings),
    unsafeRoutes: parseUnsafeRoutes(live.given("tun.unsafe_routes")?.node, findings),
  };
  return { boot, live: parseLive(live, meaning), meaning, firewall };
}

function parseBoot(boot: ConfigReader): BootSettings {
  return {
    cipher: boot.choice("cipher"),
    lighthouse: { amLighthouse: boot.boolean("lighthouse.am_lighthouse") },
    listen: {
      host: boot.host("listen.host") ?? ANY_ADDRESS,
      port: boot.integer("listen.port"),
      batch: boot.integer("listen.batch"),
      readBufferBytes: boot.integer("listen.read_buffer"),
      writeBufferBytes: boot.integer("listen.write_buffer"),
      soMark: boot.integer("listen.so_mark"),
    },
    tun: {
      ...deviceOf(boot.boolean("tun.disabled"), boot.boolean("tun.user")),
      device: boot.text("tun.dev"),
      txQueue: boot.integer("tun.tx_queue"),
      systemRoutes: {
        learned: boot.boolean("tun.use_system_route_table"),
        bufferBytes: boot.integer("tun.use_system_route_table_buffer_size"),
      },
    },
    queues: parseQueues(boot),
    names: { domain: domainOf(boot.text("dns.domain")), mode: boot.choice("dns.mode") },
    handshakes: {
      tryIntervalMs: boot.durationMs("handshakes.try_interval"),
      retries: boot.integer("handshakes.retries"),
    },
    timers: {
      connectionAliveMs: boot.secondsAsMs("timers.connection_alive_interval"),
      pendingDeletionMs: boot.secondsAsMs("timers.pending_deletion_interval"),
    },
  };
}

/** Without what needs the certificates. */
function parseLive(live: ConfigReader, meaning: Meaning) {
  const { lighthouses, amRelay, relays, calculated, remoteAllowList, ownAllowList, servesDns, mtu, routes } = meaning;
  return {
    staticMap: {
      cadenceMs: live.durationMs("static_map.cadence"),
      network: meaning.network,
      lookupTimeoutMs: live.durationMs("static_map.lookup_timeout"),
    },
    lighthouse: {
      hosts: lighthouses.map(({ value }) => value),
      intervalMs: live.secondsAsMs("lighthouse.interval"),
      remoteAllowList,
      ownAllowList,
      calculatedRemotes: calculated.map(({ range }) => range),
      dns: { serve: servesDns, host: live.host("lighthouse.dns.host"), port: live.integer("lighthouse.dns.port") },
    },
    relay: {
      amRelay,
      useRelays: live.boolean("relay.use_relays") && !amRelay,
      relays: amRelay ? [] : relays.map(({ value }) => value),
      peerKilobytes: live.integer("relay.peer_rate"),
    },
    carrier: { listenPort: live.integer("carrier.listen"), port: live.integer("carrier.port") },
    listen: {
      sendRecvError: live.choice<RecvErrorPolicy>("listen.send_recv_error"),
      acceptRecvError: live.choice<RecvErrorPolicy>("listen.accept_recv_error"),
      mapPort: live.boolean("listen.map_port"),
    },
    punchy: {
      punch: live.boolean("punchy.punch"),
      respond: live.boolean("punchy.respond"),
      delayMs: live.durationMs("punchy.delay"),
      respondDelayMs: live.durationMs("punchy.respond_delay"),
      targetAllRemotes: live.boolean("punchy.target_all_remotes"),
    },
    tun: {
      dropLocalBroadcast: live.boolean("tun.drop_local_broadcast"),
      dropMulticast: live.boolean("tun.drop_multicast"),
      mtu,
      routes: routes.map(({ prefix, mtu }) => ({ prefix, mtu })),
    },
    tunnels: {
      dropInactive: live.boolean("tunnels.drop_inactive"),
      inactivityTimeoutMs: live.durationMs("tunnels.inactivity_timeout"),
    },
    counters: {
      tryPromotePackets: live.integer("counters.try_promote"),
      requeryPackets: live.integer("counters.requery_every_packets"),
    },
    timers: { requeryWaitMs: live.durationMs("timers.requery_wait_duration") },
    preferredRanges: live.prefixes("preferred_ranges"),
    renewal: parseRenewal(live),
    goesByPolicy: live.choice("firewall.policy") === "network",
    tellsPeers: live.boolean("firewall.tell_peers"),
    flowLog: { megabytes: live.integer("flow_log.megabytes") },
    conntrack: {
      timeouts: {
        tcpMs: live.durationMs("firewall.conntrack.tcp_timeout"),
        udpMs: live.durationMs("firewall.conntrack.udp_timeout"),
        otherMs: live.durationMs("firewall.conntrack.default_timeout"),
      },
      limit: live.integer("firewall.conntrack.max_flows"),
    },
  };
}

const ANY_ADDRESS = "0.0.0.0" as IpAddress;

function staticHostMap(hosts: readonly StaticHost[]): ReadonlyMap<IpAddress, readonly HostPort[]> {
  return new Map(hosts.map(({ address, endpoints }) => [address, endpoints.map(({ hostPort }) => hostPort)]));
}

function deviceOf(disabled: boolean, user: boolean): Pick<BootSettings["tun"], "disabled" | "inUserSpace"> {
  return { disabled, inUserSpace: user && !disabled };
}
