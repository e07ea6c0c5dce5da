import type { LighthouseReply } from "../../../src/core/discovery/service.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type NatReport, UNKNOWN_NAT } from "../../../src/core/wire/nat-report.ts";
import type { Attack } from "./attack.ts";
import { exceptAnswers, places, reply, stranger } from "./lies.ts";
import { type Lies, overlay, type Scene } from "./scene.ts";

/** What a lighthouse says beside places: by way of whom a host is reached, and what its translator does. */
export const falseHints: readonly Attack[] = [
  naming("hosts that nobody has heard of, others each time", (number) => strangers(number)),
  naming("charlie, alpha and both lighthouses", () => ["charlie", "alpha", "liar", "lighthouse"].map(overlay)),
  naming("bravo and delta, which are none", () => ["bravo", "delta"].map(overlay)),
  naming("hosts that need each other", (_, target) => strangers(0).filter((relay) => relay !== target)),
  {
    although: "a lighthouse names as relays ten hosts that nobody has heard of, each in ten places",
    lies: saying((number, target, scene) =>
      toAlpha(target, { endpoints: scene().victims(places(10, 10 * (number % 50))), relays: strangers(number) }),
    ),
    // A call of each of ten hosts, by what two answers say.
    drawsAtMost: 2_400,
    perAddressAtMost: 12,
  },
  translator({ mapping: "sequential" }),
  translator({ mapping: "sequential", delta: 1, lastPort: 65_535 }),
  translator({ mapping: "sequential", delta: 65_535, lastPort: 1 }),
  translator({ mapping: "random" }),
  translator({ mapping: "none" }),
];

function naming(whom: string, relays: (number: number, target: IpAddress) => readonly IpAddress[]): Attack {
  return {
    although: `a lighthouse names as relays, for whomever it is asked about, ${whom}`,
    lies: saying((number, target) => toAlpha(target, { relays: relays(number, target) })),
  };
}

function translator(report: Partial<NatReport>): Attack {
  const { mapping, delta = 0, lastPort = 0 } = report;
  return {
    although: `a lighthouse says that charlie's translator is ${mapping}, with steps of ${delta} from ${lastPort}`,
    lies: saying((_, target, scene) =>
      toAlpha(target, { endpoints: [scene().faceOf("charlie")], nat: { ...UNKNOWN_NAT, ...report } }),
    ),
  };
}

/** A lie for every query; `number`: how many there were. */
function saying(
  lie: (number: number, target: IpAddress, scene: () => Scene) => LighthouseReply,
): (scene: () => Scene) => Lies {
  return (scene) => (honest) => {
    let number = 0;
    return {
      ...exceptAnswers(honest),
      answer: (from, request, now) =>
        request.message.kind === "host-query"
          ? [lie(number++, request.message.target, scene)]
          : honest.answer(from, request, now),
    };
  };
}

function toAlpha(target: IpAddress, hints: Partial<LighthouseReply["message"]>): LighthouseReply {
  const { message, ...rest } = reply(overlay("alpha"), target, []);
  return { ...rest, message: { ...message, ...hints } as LighthouseReply["message"] };
}

function strangers(number: number): readonly IpAddress[] {
  return Array.from({ length: 10 }, (_, i) => stranger(10 * number + i));
}
