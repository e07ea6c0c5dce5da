import { parseBulletins } from "../../core/bulletin/armour.ts";
import type { Bulletin } from "../../core/bulletin/bulletin.ts";
import type { NodeStatus } from "../../core/io.ts";
import type { BulletinStatus } from "../../core/machine/bulletins/status.ts";
import type { BulletinDesk } from "../../runtime/bulletins/bulletin-desk.ts";
import { nodeSuite } from "../../runtime/node-crypto.ts";
import type { AdminVerb } from "../protocol.ts";
import { answers, type Members, nothing, type Verb } from "../verb.ts";

/** What a daemon is asked about the bulletins of its authorities. */
export interface BulletinHost {
  readonly bulletins: Pick<BulletinDesk, "count" | "publish">;
  status(): NodeStatus;
}

/** `lacis bulletins --json`. */
export interface BulletinsReport {
  readonly bulletins: readonly BulletinStatus[];
}

/** What came of `publish`: the bulletin as this host holds it now. */
export interface PublishReport {
  readonly bulletin: BulletinStatus | undefined;
}

/** How long lighthouses have to say who has applied what. */
const COUNT_MS = 250;

export function bulletinVerbs(host: BulletinHost): Readonly<Record<AdminVerb & ("bulletins" | "publish"), Verb>> {
  return {
    bulletins: answers("reader", nothing, async (): Promise<BulletinsReport> => {
      if (!host.status().amLighthouse) {
        host.bulletins.count();
        await new Promise((resolve) => setTimeout(resolve, COUNT_MS));
      }
      return { bulletins: host.status().bulletins };
    }),
    // A bulletin says itself who has signed it: whoever brings it can neither forge one nor go back.
    publish: answers("reader", parsePublish, async ({ bulletin }): Promise<PublishReport> => {
      await host.bulletins.publish(bulletin);
      return { bulletin: host.status().bulletins.find(({ id }) => id === bulletin.head.id) };
    }),
  };
}

function parsePublish({ bulletin: text }: Members): { readonly bulletin: Bulletin } | string {
  if (typeof text !== "string") return "publish needs a bulletin";
  const bulletins = parseBulletins(nodeSuite, text);
  if (!bulletins.ok) return `publish needs a bulletin: ${bulletins.reason}`;
  const [bulletin] = bulletins.value;
  return bulletin && bulletins.value.length === 1 ? { bulletin } : "publish takes one bulletin";
}
