import { ok, type Result } from "../src/core/base/result.ts";
import { type CertificateContent, checkContent } from "../src/core/cert/content.ts";
import { type Refusal, refuse } from "./refusal.ts";

/**
 * What an issuer demands beyond what a verifier does: a certificate that says something, makes sense, and that the reference's tool would have
 * made too. The CA's own limits are in `src/core/cert/constraints.ts`, where the verifier asks the same.
 */
export function checkedRequest(content: CertificateContent, what: string): Result<void, Refusal> {
  if (content.name === "") return refuse(what, "it has no name", "give one with -name");
  if (content.notAfter <= content.notBefore) {
    return refuse(what, "it would expire before it begins", "give a longer -duration, or renew the CA");
  }
  if (content.groups.includes("")) return refuse(what, "one of its groups has no name", "remove the empty group");
  if (content.version === 1 && !content.isCa && content.networks.length > 1) {
    return refuse(what, "a version 1 certificate carries a single IPv4 address", "give one network, or -version 2");
  }
  const checked = checkContent(content);
  return checked.ok ? ok(undefined) : refuse(what, checked.reason, "change the request");
}
