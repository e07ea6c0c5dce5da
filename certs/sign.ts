import type { Result } from "../src/core/base/result.ts";
import type { Certificate } from "../src/core/cert/certificate.ts";
import type { CertificateContent } from "../src/core/cert/content.ts";
import { signedBytes } from "../src/core/cert/decode.ts";
import { assembleV1, encodeV1Details } from "../src/core/cert/v1.ts";
import { assembleV2, encodeV2Details } from "../src/core/cert/v2.ts";
import { portableSuite } from "../src/core/crypto/portable.ts";
import type { SigningKey } from "../src/core/crypto/suite.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** Encodes what is to be said, signs it and checks the whole as a reader would. */
export function signContent(content: CertificateContent, key: SigningKey, what: string): Result<Certificate, Refusal> {
  const details = content.version === 1 ? encodeV1Details(content) : encodeV2Details(content);
  const signature = key.sign(signedBytes({ ...content, details }));
  const certificate =
    content.version === 1
      ? assembleV1(portableSuite, content, signature)
      : assembleV2(portableSuite, content, details, signature);
  return certificate.ok ? certificate : refuse(what, certificate.reason, "change the request");
}
