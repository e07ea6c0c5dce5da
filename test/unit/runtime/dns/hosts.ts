import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { NamedHost } from "../../../../src/core/node/directory.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../../fixtures/authority.ts";

const authority = new TestAuthority(nodeSuite, 7);

/** Hosts as a node knows them: name and addresses of each. */
export function hosts(...all: readonly (readonly [name: string, ...addresses: string[]])[]): readonly NamedHost[] {
  return all.map(([name, ...addresses]) => {
    const v4 = addresses.filter((address) => !address.includes(":")).map((address) => `${address}/24`);
    const networks = v4.length > 0 ? v4 : ["10.77.0.200/24"];
    const publicKey = new Uint8Array(32).fill(5);
    const certificate = authority.issue(1, { name, networks, publicKey });
    return { name, addresses: addresses as IpAddress[], certificate };
  });
}
