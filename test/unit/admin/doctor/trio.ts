import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { type Flight, type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

export const LIGHTHOUSE = "10.77.0.1";
export const LIGHTHOUSE_AT = "192.0.2.1:4242";
export const SERVER = "10.77.0.2";
export const SERVER_AT = "192.0.2.2:4242";
export const LAPTOP = "10.77.0.3" as IpAddress;
export const LAPTOP_AT = "192.0.2.3:4242";

/** What is known from the configuration where the server is written down, too. */
export const STATICS = { [LIGHTHOUSE]: [LIGHTHOUSE_AT], [SERVER]: [SERVER_AT] };

/** Authorities that nobody else trusts. */
export function stranger(seed = 9): TestAuthority {
  return new TestAuthority(nodeSuite, seed, "another ca");
}

export interface Changes {
  readonly lighthouse?: Partial<HostPlan>;
  readonly server?: Partial<HostPlan>;
  readonly laptop?: Partial<HostPlan>;
  /** Before anybody is there. */
  readonly mesh?: (mesh: Mesh) => void;
}

/** A lighthouse, a server that reports to it, and a laptop that wants to reach the server: all well but for what a test changes. */
export class Trio {
  readonly mesh: Mesh = new Mesh();
  readonly lighthouse: Host;
  readonly server: Host;
  readonly laptop: Host;

  constructor(changes: Changes = {}) {
    const { mesh } = this;
    changes.mesh?.(mesh);
    const known = { lighthouses: [LIGHTHOUSE], statics: { [LIGHTHOUSE]: [LIGHTHOUSE_AT] } };
    const lighthouse = { name: "lh", networks: [`${LIGHTHOUSE}/16`], amLighthouse: true };
    this.lighthouse = mesh.host(LIGHTHOUSE_AT, { ...lighthouse, ...changes.lighthouse });
    const server = { name: "server", networks: [`${SERVER}/16`], groups: ["db"], ...known };
    this.server = mesh.host(SERVER_AT, { ...server, ...changes.server });
    this.laptop = mesh.host(LAPTOP_AT, { name: "laptop", networks: [`${LAPTOP}/16`], ...known, ...changes.laptop });
    mesh.run(3_000);
  }
}

/** Lets nothing through between these two places, or only what is short enough; "from" and "to" for one direction. */
export function blocked(a: string, b: string, options: { readonly oneWay?: boolean; readonly above?: number } = {}) {
  return (mesh: Mesh): void => {
    const before = mesh.delivers;
    mesh.delivers = (flight: Flight) => {
      const isOnWay =
        (flight.from === a && flight.to === b) || (!options.oneWay && flight.from === b && flight.to === a);
      return before(flight) && !(isOnWay && flight.datagram.length > (options.above ?? 0));
    };
  };
}

/** Nothing comes to this place, and nothing leaves it. */
export function cutOff(at: string) {
  return (mesh: Mesh): void => {
    const before = mesh.delivers;
    mesh.delivers = (flight: Flight) => before(flight) && flight.from !== at && flight.to !== at;
  };
}
