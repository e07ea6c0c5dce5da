import { momentText } from "../../core/base/moment.ts";
import { debugGroupOf } from "../../core/cert/debug-group.ts";
import { endingOf } from "../../core/cert/lifetime.ts";
import type { Health } from "../../runtime/service.ts";
import { duration } from "../duration.ts";
import type { Sight } from "./sight.ts";

/** Our own certificate, and who has to do something about its end. */
export function* certificateHealth({ node, nowMs }: Sight): Iterable<Health> {
  const nowS = Math.floor(nowMs / 1000);
  const left = node.certificateNotAfter - nowS;
  const ending = endingOf(lifeOf(node.certificateNotBefore, node.certificateNotAfter), BigInt(nowS));
  if (ending === "no") return;
  if (debugGroupOf(node.groups) !== undefined) {
    yield guestEnding(node.certificateNotAfter, left);
    return;
  }
  const todo = node.renewsItself
    ? "it was to renew itself and has not: see why, here or with lacis events --code certificate-not-renewed"
    : "renew it with lacis-cert resign where the authority's key is, replace pki.cert, then: lacis reload";
  const because = node.renewsItself ? ["renewal-failing", "renewal-refused", "renewal-hindered"] : [];
  if (ending === "over") {
    const text = `the certificate of this host expired ${duration(-left * 1000)} ago`;
    yield { code: "certificate-expired", severity: "error", text, todo, because };
  } else {
    const severity = ending === "urgent" ? "error" : "warning";
    const text = `the certificate of this host expires in ${duration(left * 1000)}`;
    yield { code: "certificate-expires", severity, text, todo, because };
  }
}

/** What whoever sits before a host does whose time is over. */
export const DEBUG_AGAIN =
  "lacis leave removes it; for more, where the authority is: lacis invite NAME --debug HOST:PORT";

/** It is meant to end, and whoever sits before it needs to know when. */
function guestEnding(notAfter: number, left: number): Health {
  return left <= 0
    ? {
        code: "debug-access-over",
        severity: "error",
        text: `debug access ended ${momentText(notAfter)}`,
        todo: DEBUG_AGAIN,
      }
    : {
        code: "debug-access-ends",
        severity: "note",
        text: `debug access ends in ${duration(left * 1000)}, ${momentText(notAfter)}`,
        todo: DEBUG_AGAIN,
      };
}

/** Those who sign: with the end of one everything ends that it has signed. */
export function* authorityHealth({ node, nowMs }: Sight): Iterable<Health> {
  const nowS = Math.floor(nowMs / 1000);
  for (const { name, fingerprint, notBefore, notAfter, isOurs } of node.authorities) {
    const ending = endingOf(lifeOf(notBefore, notAfter), BigInt(nowS));
    if (ending === "no") continue;
    const isOver = ending === "over";
    const when = isOver
      ? `expired ${duration((nowS - notAfter) * 1000)} ago`
      : `expires in ${duration((notAfter - nowS) * 1000)}`;
    const what = isOurs ? `the authority ${name}, which has signed this host's certificate,` : `the authority ${name}`;
    yield {
      code: isOver ? "authority-expired" : "authority-expires",
      severity: !isOurs ? "note" : ending === "soon" ? "warning" : "error",
      text: `${what} ${when}`,
      todo: isOurs
        ? "whoever holds its key makes the next one, while both are trusted: lacis-cert rotate"
        : "once no host has a certificate of it, take it out of pki.ca",
      about: fingerprint,
    };
  }
}

function lifeOf(notBefore: number, notAfter: number): { readonly notBefore: bigint; readonly notAfter: bigint } {
  return { notBefore: BigInt(notBefore), notAfter: BigInt(notAfter) };
}
