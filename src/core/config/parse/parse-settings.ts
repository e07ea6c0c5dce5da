import type { WallTime } from "../../base/time.ts";
import type { CryptoSuite } from "../../crypto/suite.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { ConfigError, ConfigWarning } from "../document/config-error.ts";
import type { ConfigDocument } from "../document/document.ts";
import { type EffectiveValue, effectiveValues, valueDigests } from "../document/effective.ts";
import { Findings } from "../document/findings.ts";
import { collectKeys } from "../schema/keys.ts";
import type {
  HostPort,
  Identity,
  ListenSettings,
  LoggingSettings,
  PunchySettings,
  Settings,
  TunSettings,
} from "../settings.ts";
import { checkMeaning, checkNetworks, type Meaning, usableAdvertised } from "./check-meaning.ts";
import { parseAdvertised, parseStaticHosts, type StaticHost } from "./parse-discovery.ts";
import { parseIdentity } from "./parse-identity.ts";
import { parseRules } from "./parse-rules.ts";
import type { PemTexts } from "./pem-reference.ts";
import { ConfigReader } from "./reader.ts";

/** What a configuration says. Settings are there only when nothing is wrong. */
export interface ParsedConfig {
  readonly settings: Settings | undefined;
  readonly logging: LoggingSettings;
  readonly errors: readonly ConfigError[];
  readonly warnings: readonly ConfigWarning[];
  readonly effective: readonly EffectiveValue[];
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
  const identity = parseIdentity(reader, pems, { ...env, start: root.place, rules: rest.rules }, findings);
  checkMeaning(rest.meaning, reader, root.place, findings);
  if (identity) checkNetworks(rest.meaning, identity.credential.networks, reader, findings);
  const logging = parseLogging(reader);
  const settings = identity && assemble(rest, identity, findings);
  return {
    settings: findings.hasErrors ? undefined : settings,
    logging,
    errors: findings.errors(),
    warnings: findings.warnings(),
    effective: effectiveValues(found),
    digests: valueDigests(found, pems, env.suite),
  };
}

type Rest = ReturnType<typeof parseWithoutIdentity>;

function assemble({ meaning, settings, rules }: Rest, identity: Identity, findings: Findings): Settings {
  const advertised = usableAdvertised(meaning.advertised, identity.credential.networks, findings);
  return {
    ...settings,
    identity,
    firewall: rules,
    staticHosts: staticHostMap(meaning.staticHosts),
    lighthouse: { ...settings.lighthouse, advertise: advertised.map(({ hostPort }) => hostPort) },
  };
}

function parseWithoutIdentity(reader: ConfigReader, findings: Findings) {
  const listen = parseListen(reader);
  const tun = parseTun(reader);
  const rules = {
    inbound: parseRules(reader.given("firewall.inbound")?.node, "firewall.inbound", findings),
    outbound: parseRules(reader.given("firewall.outbound")?.node, "firewall.outbound", findings),
  };
  const lighthouses = reader.addresses("lighthouse.hosts");
  const meaning: Meaning = {
    amLighthouse: reader.boolean("lighthouse.am_lighthouse"),
    lighthouses,
    listenPort: listen.port,
    staticHosts: parseStaticHosts(reader, findings),
    advertised: parseAdvertised(reader, listen.port, findings),
    inbound: rules.inbound,
    outbound: rules.outbound,
    tunDisabled: tun.disabled,
    mtu: tun.mtu,
  };
  const settings = {
    cipher: reader.choice<Settings["cipher"]>("cipher"),
    staticMap: {
      cadenceMs: reader.durationMs("static_map.cadence"),
      network: reader.choice<Settings["staticMap"]["network"]>("static_map.network"),
      lookupTimeoutMs: reader.durationMs("static_map.lookup_timeout"),
    },
    lighthouse: {
      amLighthouse: meaning.amLighthouse,
      hosts: lighthouses.map(({ value }) => value),
      intervalMs: reader.secondsAsMs("lighthouse.interval"),
    },
    listen,
    punchy: parsePunchy(reader),
    tun,
    handshakes: {
      tryIntervalMs: reader.durationMs("handshakes.try_interval"),
      retries: reader.integer("handshakes.retries"),
    },
    tunnels: {
      dropInactive: reader.boolean("tunnels.drop_inactive"),
      inactivityTimeoutMs: reader.durationMs("tunnels.inactivity_timeout"),
    },
    timers: {
      connectionAliveMs: reader.secondsAsMs("timers.connection_alive_interval"),
      pendingDeletionMs: reader.secondsAsMs("timers.pending_deletion_interval"),
    },
    preferredRanges: reader.prefixes("preferred_ranges"),
  };
  return { settings, meaning, rules };
}

function parseListen(reader: ConfigReader): ListenSettings {
  return {
    host: reader.address("listen.host"),
    port: reader.integer("listen.port"),
    batch: reader.integer("listen.batch"),
    readBufferBytes: reader.integer("listen.read_buffer"),
    writeBufferBytes: reader.integer("listen.write_buffer"),
    soMark: reader.integer("listen.so_mark"),
    sendRecvError: reader.choice("listen.send_recv_error"),
    acceptRecvError: reader.choice("listen.accept_recv_error"),
  };
}

function parsePunchy(reader: ConfigReader): PunchySettings {
  return {
    punch: reader.boolean("punchy.punch"),
    respond: reader.boolean("punchy.respond"),
    delayMs: reader.durationMs("punchy.delay"),
    respondDelayMs: reader.durationMs("punchy.respond_delay"),
    targetAllRemotes: reader.boolean("punchy.target_all_remotes"),
  };
}

function parseTun(reader: ConfigReader): TunSettings {
  return {
    disabled: reader.boolean("tun.disabled"),
    device: reader.text("tun.dev"),
    mtu: reader.integer("tun.mtu"),
    txQueue: reader.integer("tun.tx_queue"),
    dropLocalBroadcast: reader.boolean("tun.drop_local_broadcast"),
    dropMulticast: reader.boolean("tun.drop_multicast"),
  };
}

function parseLogging(reader: ConfigReader): LoggingSettings {
  return {
    level: reader.choice("logging.level"),
    format: reader.choice("logging.format"),
    timestamps: !reader.boolean("logging.disable_timestamp"),
  };
}

function staticHostMap(hosts: readonly StaticHost[]): ReadonlyMap<IpAddress, readonly HostPort[]> {
  return new Map(hosts.map(({ address, endpoints }) => [address, endpoints.map(({ hostPort }) => hostPort)]));
}
