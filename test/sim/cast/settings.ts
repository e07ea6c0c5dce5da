import type { HostPort, Settings } from "../../../src/core/config/settings.ts";
import { FLOW_TIMEOUTS } from "../../../src/core/dataplane/flow-timeouts.ts";
import { type IpAddress, parseAddress } from "../../../src/core/netip/address.ts";
import { endpoint } from "../../../src/core/netip/endpoint.ts";
import { rulesetOf } from "../../unit/fixtures/rules.ts";
import { dnsNameOf, overlayAddress, type Role, type Setup, UNDERLAY_PORT, underlayAddress } from "./cast.ts";
import { identityOf } from "./identities.ts";

/** The settings that a configuration file with Nebula's defaults would give this role. */
export function settingsOf(role: Role, setup: Setup): Settings {
  const versions = setup.versions.get(role.name);
  const lighthouses = setup.roles.filter(({ lighthouse }) => lighthouse);
  return {
    boot: {
      cipher: setup.cipher,
      lighthouse: { amLighthouse: role.lighthouse },
      listen: { host: anyAddress, port: UNDERLAY_PORT, batch: 64, readBufferBytes: 0, writeBufferBytes: 0, soMark: 0 },
      tun: {
        disabled: role.lighthouse,
        device: "",
        txQueue: 500,
        systemRoutes: { learned: false, bufferBytes: 0 },
      },
      queues: {
        pairs: 1,
        udpOffloads: true,
        tunOffloads: true,
        threads: { pinned: true, seed: "", cpus: [] },
      },
      handshakes: { tryIntervalMs: 100, retries: 10 },
      timers: { connectionAliveMs: 5_000, pendingDeletionMs: 10_000 },
    },
    live: {
      identity: {
        ...identityOf(role, versions),
        disconnectInvalid: true,
        initiatingVersion: versions?.initiating ?? 1,
      },
      staticHosts: role.lighthouse
        ? new Map()
        : new Map(lighthouses.map((other) => [overlayAddress(other.number, 4), [placeOf(other, setup)]])),
      conntrack: FLOW_TIMEOUTS,
      staticMap: { cadenceMs: 5_000, network: "ip4", lookupTimeoutMs: 250 },
      lighthouse: {
        hosts: role.lighthouse ? [] : lighthouses.map(({ number }) => overlayAddress(number, 4)),
        intervalMs: 10_000,
        advertise: [],
        remoteAllowList: { everybody: [], ranges: [] },
        ownAllowList: { rules: [], interfaces: undefined },
        calculatedRemotes: [],
        dns: { serve: false, host: undefined, port: 53 },
      },
      relay: {
        amRelay: setup.relays.has(role.name),
        useRelays: !setup.relays.has(role.name),
        relays: setup.relays.has(role.name)
          ? []
          : setup.roles.flatMap(({ name, number }) => (setup.relays.has(name) ? [overlayAddress(number, 4)] : [])),
        peerKilobytes: 0,
      },
      listen: { sendRecvError: "always", acceptRecvError: "always" },
      punchy: {
        punch: true,
        respond: setup.punchRespond,
        delayMs: 1_000,
        respondDelayMs: 5_000,
        targetAllRemotes: false,
      },
      tun: { dropLocalBroadcast: false, dropMulticast: false, mtu: 1300, routes: [], unsafeRoutes: [] },
      tunnels: { dropInactive: false, inactivityTimeoutMs: 600_000 },
      counters: { tryPromotePackets: 1_000, requeryPackets: 5_000 },
      timers: { requeryWaitMs: 60_000 },
      preferredRanges: [],
      firewall: rulesetOf(role),
    },
  };
}

function placeOf(lighthouse: Role, setup: Setup): HostPort {
  if (setup.lighthouseByName) return { kind: "name", name: dnsNameOf(lighthouse), port: UNDERLAY_PORT };
  return { kind: "literal", endpoint: endpoint(underlayAddress(lighthouse.number, 0), UNDERLAY_PORT) };
}

const anyAddress = parseAddress("0.0.0.0") as IpAddress;
