import { createLighthouse } from "../../../lighthouse/index.ts";
import { ReferenceDataPlane } from "../../../src/core/dataplane/reference/reference-data-plane.ts";
import { Node } from "../../../src/core/node.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import type { Parts } from "../world/host.ts";

/** The real core, put together as the daemon does it, on the readable data plane. */
export const realParts: Parts = {
  suite: nodeSuite,
  control: (settings, entropy, clock) => {
    const ownNetworks = settings.live.identity.credential.networks;
    const lighthouse = settings.boot.lighthouse.amLighthouse ? { lighthouse: createLighthouse({ ownNetworks }) } : {};
    return new Node(settings, { crypto: nodeSuite, entropy, clock, ...lighthouse });
  },
  dataPlane: (suite) => new ReferenceDataPlane(suite),
};
