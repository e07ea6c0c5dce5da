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

/** Who is there and willing has answered by then, and nobody is asked about it. */
const ANSWERS_MS = 300;
/** As long as a call lasts. */
const ASKED_MS = 30_000;

/**
 * Why rules forbid a connection that nobody answers, as `lacis why` would say it: a port that is dropped is silent by itself. Undefined where nobody forbids it, or nobody says so.
 */
export async function denialOf(
  asker: Asker,
  { address, port, name }: { readonly address: IpAddress; readonly port: number; readonly name: string },
  signal: AbortSignal,
): Promise<RefusalWords | undefined> {
  try {
    await pause(ANSWERS_MS, undefined, { signal });
  } catch {
    return undefined;
  }
  const service = { protocol: IpProtocol.tcp, port };
  const host = { by: "address", address } as const;
  const asked = await asker.inquire({ host, direction: "outbound", service, local: undefined }, ASKED_MS);
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
