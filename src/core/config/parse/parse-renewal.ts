import type { RenewalSettings, WrittenPath } from "../settings.ts";
import { isPem } from "./pem-reference.ts";
import type { ConfigReader } from "./reader.ts";

/** `pki.enrolment`, and which files there are to renew. */
export function parseRenewal(live: ConfigReader): RenewalSettings | undefined {
  if (live.text("pki.enrolment") === "") return undefined;
  const enrolment = writtenPath(live, "pki.enrolment");
  return (
    enrolment && {
      enrolment,
      certificate: writtenPath(live, "pki.cert"),
      key: writtenPath(live, "pki.key"),
      authorities: writtenPath(live, "pki.ca"),
    }
  );
}

function writtenPath(live: ConfigReader, key: string): WrittenPath | undefined {
  const node = live.given(key)?.node;
  if (node?.kind !== "scalar" || isPem(node.text)) return undefined;
  return { path: node.text, writtenIn: node.place.file };
}
