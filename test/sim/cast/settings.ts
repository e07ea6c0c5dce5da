import type { HostPort, Settings } from "../../../src/core/config/settings.ts";
import { endpoint } from "../../../src/core/netip/endpoint.ts";
import { DEFAULT_BOOT, DEFAULT_LIVE } from "../../unit/fixtures/default-settings.ts";
import { rulesetOf } from "../../unit/fixtures/rules.ts";
import { dnsNameOf, overlayAddress, type Role, type Setup, UNDERLAY_PORT, underlayAddress } from "./cast.ts";
import { identityOf } from "./identities.ts";

/** The settings that a configuration file with Nebula's defaults would give this role. */
export function settingsOf(role: Role, setup: Setup): Settings {
  const versions = setup.versions.get(role.name);
  const lighthouses = setup.roles.filter(({ lighthouse }) => lighthouse);
  return {
    boot: {
      ...DEFAULT_BOOT,
      cipher: setup.cipher,
      lighthouse: { amLighthouse: role.lighthouse },
      listen: { ...DEFAULT_BOOT.listen, port: UNDERLAY_PORT },
      tun: { ...DEFAULT_BOOT.tun, disabled: role.lighthouse },
    },
    live: {
      ...DEFAULT_LIVE,
      identity: {
        ...identityOf(role, versions),
        disconnectInvalid: true,
        initiatingVersion: versions?.initiating ?? 1,
      },
      staticHosts: role.lighthouse
        ? new Map()
        : new Map(lighthouses.map((other) => [overlayAddress(other.number, 4), [placeOf(other, setup)]])),
      staticMap: { ...DEFAULT_LIVE.staticMap, cadenceMs: 5_000 },
      lighthouse: {
        ...DEFAULT_LIVE.lighthouse,
        hosts: role.lighthouse ? [] : lighthouses.map(({ number }) => overlayAddress(number, 4)),
      },
      relay: {
        amRelay: setup.relays.has(role.name),
        useRelays: !setup.relays.has(role.name),
        relays: setup.relays.has(role.name)
          ? []
          : setup.roles.flatMap(({ name, number }) => (setup.relays.has(name) ? [overlayAddress(number, 4)] : [])),
        peerKilobytes: 0,
      },
      punchy: { ...DEFAULT_LIVE.punchy, punch: true, respond: setup.punchRespond },
      firewall: rulesetOf(role),
    },
  };
}

function placeOf(lighthouse: Role, setup: Setup): HostPort {
  if (setup.lighthouseByName) return { kind: "name", name: dnsNameOf(lighthouse), port: UNDERLAY_PORT };
  return { kind: "literal", endpoint: endpoint(underlayAddress(lighthouse.number, 0), UNDERLAY_PORT) };
}
