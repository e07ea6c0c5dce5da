import type { HostPort, Settings } from "../../../src/core/config/settings.ts";
import { type IpAddress, parseAddress } from "../../../src/core/netip/address.ts";
import { endpoint } from "../../../src/core/netip/endpoint.ts";
import { DEFAULT_BOOT, DEFAULT_LIVE } from "../../unit/fixtures/default-settings.ts";
import { rulesetOf } from "../../unit/fixtures/rules.ts";
import {
  dnsNameOf,
  overlayAddress,
  type Role,
  type Setup,
  UNDERLAY_PORT,
  underlayAddress,
  underlayIpv6Address,
} from "./cast.ts";
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
      listen: {
        ...DEFAULT_BOOT.listen,
        host: anyAddress(setup.ipv6.has(role.name) ? "::" : "0.0.0.0"),
        port: UNDERLAY_PORT,
      },
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
        : new Map(lighthouses.map((other) => [overlayAddress(other.number, 4), placesOf(other, setup)])),
      staticMap: { ...DEFAULT_LIVE.staticMap, network: "ip", cadenceMs: 5_000 },
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

function anyAddress(text: string): IpAddress {
  return parseAddress(text) as IpAddress;
}

function placesOf(lighthouse: Role, setup: Setup): readonly HostPort[] {
  if (setup.lighthouseByName) return [{ kind: "name", name: dnsNameOf(lighthouse), port: UNDERLAY_PORT }];
  const { number, name } = lighthouse;
  const addresses = [underlayAddress(number, 0), ...(setup.ipv6.has(name) ? [underlayIpv6Address(number, 0, 0)] : [])];
  return addresses.map((address) => ({ kind: "literal", endpoint: endpoint(address, UNDERLAY_PORT) }));
}
