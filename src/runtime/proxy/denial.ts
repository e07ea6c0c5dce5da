import { setTimeout as pause } from "node:timers/promises";
import type { Inquiry, InquiryResult } from "../../core/io.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import { IpProtocol } from "../../core/netip/ip-protocol.ts";
import { closestText, refusedText } from "../../core/operator/explanation-text.ts";
import type { RefusalWords } from "./socks.ts";

/** Asks both ends what they do with a packet. Undefined: too many ask already. */
export interface Asker {
  inquire(inquiry: Inquiry, timeoutMs: number): Promise<InquiryResult | undefined>;
}

/** When rules are asked about, and how long for. */
export interface Moment {
  readonly afterMs: number;
  readonly withinMs: number;
}

/** While nobody answers: who is there and willing has answered by then, and a call lasts so long. */
export const UNANSWERED: Moment = { afterMs: 300, withinMs: 30_000 };
/** Of what was refused: at once, because it may be a port where nobody listens, and in the time that a round trip takes. */
export const REFUSED: Moment = { afterMs: 0, withinMs: 500 };

/**
 * Why rules forbid a connection, as `lacis why` would say it: a port that is dropped is silent by itself, and one that is refused looks like one where nobody listens. Undefined where
 * nobody forbids it, or nobody says so.
 */
export async function denialOf(
  asker: Asker,
  { address, port, name }: { readonly address: IpAddress; readonly port: number; readonly name: string },
  { afterMs, withinMs }: Moment,
  signal?: AbortSignal,
): Promise<RefusalWords | undefined> {
  try {
    await pause(afterMs, undefined, { ...(signal && { signal }) });
  } catch {
    return undefined;
  }
  const service = { protocol: IpProtocol.tcp, port };
  const host = { by: "address", address } as const;
  const asked = await asker.inquire({ host, direction: "outbound", service, local: undefined }, withinMs);
  if (asked?.outcome !== "judged") return undefined;
  for (const { host, isOwn, direction, peer, judgement } of asked.sides) {
    if (!judgement || judgement.allowed) continue;
    const why = refusedText(judgement.reason, direction, asked.packet, isOwn ? undefined : host.name);
    const near = judgement.closest ? `; ${closestText(judgement.closest, peer).replace(/\.$/, "")}` : "";
    return {
      why: `${isOwn ? "this host" : host.name} refuses it: ${why}${near}`,
      todo: `lacis why ${name} tcp/${port}`,
    };
  }
  return undefined;
}
