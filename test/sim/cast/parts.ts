import { createLighthouse } from "../../../lighthouse/index.ts";
import type { CryptoSuite } from "../../../src/core/crypto/suite.ts";
import { ReferenceDataPlane } from "../../../src/core/dataplane/reference/reference-data-plane.ts";
import { Node } from "../../../src/core/node.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import type { Parts } from "../world/host.ts";
import { lightSuite } from "./light-suite.ts";

/** The real core, put together as the daemon does it, on the readable data plane, with real cryptography. */
export const realParts: Parts = partsWith(nodeSuite);

/** The same with an AEAD that costs next to nothing, for runs of hundreds of worlds and of thousands of hosts. */
export const lightParts: Parts = partsWith(lightSuite);

/** Which of them a seed is played with: one of ten is real down to the last byte. */
export function partsOf(seed: number): Parts {
  return seed % 10 === 0 ? realParts : lightParts;
}

function partsWith(suite: CryptoSuite): Parts {
  return {
    suite,
    control: (settings, entropy, clock) => {
      const ownNetworks = settings.live.identity.credential.networks;
      const lighthouse = settings.boot.lighthouse.amLighthouse ? { lighthouse: createLighthouse({ ownNetworks }) } : {};
      return new Node(settings, { crypto: suite, entropy, clock, ...lighthouse });
    },
    dataPlane: (ofPlane) => new ReferenceDataPlane(ofPlane),
  };
}
