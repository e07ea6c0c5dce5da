import { debugGroupOf } from "../../core/cert/debug-group.ts";
import { endsSoon } from "../../core/cert/lifetime.ts";
import type { PeerTrouble } from "../../core/operator/failure.ts";
import { troubleText } from "../../core/operator/failure-text.ts";
import type { Health } from "../../runtime/service.ts";
import { clause } from "../clause.ts";
import { duration } from "../duration.ts";
import { NAMED_MAX, type Sight } from "./sight.ts";

/** Tunnels that do not come about, and certificates of others that end. */
export function* peerHealth({ node, nowMs }: Sight): Iterable<Health> {
  const failed = node.peers.filter(({ state }) => state === "failed");
  for (const peer of failed.slice(0, NAMED_MAX)) {
    const who = peer.name ?? peer.addresses[0] ?? "a peer";
    yield {
      code: "peer-failed",
      severity: "warning",
      text: `no tunnel to ${who}: ${peer.trouble ? clause(troubleText(peer.trouble)) : "no answer"}`,
      todo: `lacis ping ${peer.addresses[0] ?? who}`,
      about: peer.addresses[0] ?? who,
      because: causesOf(peer.trouble),
    };
  }
  if (failed.length > NAMED_MAX) {
    yield {
      code: "peers-failed",
      severity: "warning",
      text: `no tunnel to ${failed.length - NAMED_MAX} more peers`,
      todo: "lacis status --state failed --all",
    };
  }
  const nowS = BigInt(Math.floor(nowMs / 1000));
  for (const peer of node.peers) {
    const { certificateNotBefore: notBefore, certificateNotAfter: notAfter } = peer;
    // That of a host which was let in to debug is meant to end.
    if (notBefore === undefined || notAfter === undefined || debugGroupOf(peer.groups) !== undefined) continue;
    if (endsSoon({ notBefore: BigInt(notBefore), notAfter: BigInt(notAfter) }, nowS)) {
      const left = notAfter - Number(nowS);
      yield {
        code: "peer-certificate-expires",
        severity: "warning",
        text: `the certificate of ${peer.name ?? peer.addresses[0]} expires in ${duration(left * 1000)}`,
        todo: "if it does not renew itself, renew it there: lacis-cert resign",
        about: peer.addresses[0] ?? "",
      };
    }
  }
}

/** What made this call fail that is no fault of this one peer. */
function causesOf(trouble: PeerTrouble | undefined): readonly string[] {
  const failure = trouble?.of === "failed-call" ? trouble.failure : undefined;
  return [
    ...(failure && "refused" in failure && failure.refused?.length ? ["send-refused"] : []),
    ...(failure?.reason === "no-endpoint-known" ? ["lighthouse-down"] : []),
  ];
}
