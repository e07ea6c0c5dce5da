import { fail, ok, type Result } from "../../base/result.ts";
import type { Findings } from "../document/findings.ts";
import { showKind } from "../document/show.ts";
import type { LiveSettings, TelemetrySettings } from "../settings.ts";
import { parseHost } from "./host-port.ts";
import { entriesOf, keyError } from "./nodes.ts";
import type { ConfigReader } from "./reader.ts";
import { parsedText } from "./texts.ts";

/** Reads `opentelemetry`. Undefined where there is no collector, or when something is wrong. */
export function parseTelemetry(
  live: ConfigReader,
  flowLog: LiveSettings["flowLog"],
  findings: Findings,
): TelemetrySettings | undefined {
  const endpoint = holdsPassword(live)
    ? refusePassword(live, findings)
    : parsedText(ENDPOINT, parseEndpoint, live, findings);
  const read = {
    headers: parseHeaders(live, findings),
    intervalMs: live.durationMs("opentelemetry.interval"),
    metrics: live.boolean("opentelemetry.send_metrics"),
    flows: live.boolean("opentelemetry.send_flows"),
    messages: live.boolean("stats.message_metrics"),
    lighthouse: live.boolean("stats.lighthouse_metrics"),
  };
  if (endpoint === undefined) return undefined;
  if (read.flows && flowLog.megabytes === 0) {
    const place = live.given("opentelemetry.send_flows")?.node.place;
    const what = "has nothing to send: flow_log.megabytes is 0";
    findings.error({ code: "CONFIG_VALUE", place, path: "opentelemetry.send_flows", what });
  }
  return { endpoint, ...read };
}

const ENDPOINT = "opentelemetry.endpoint";
const HEADERS = "opentelemetry.headers";

function holdsPassword(live: ConfigReader): boolean {
  return /^[^/]*\/\/[^/]*@/.test(live.text(ENDPOINT));
}

/** Without a word of it. */
function refusePassword(live: ConfigReader, findings: Findings): undefined {
  const place = live.given(ENDPOINT)?.node.place;
  const what = "holds a password, which belongs into opentelemetry.headers";
  findings.error({ code: "CONFIG_VALUE", place, path: ENDPOINT, what });
}

function parseEndpoint(text: string): Result<string, string> {
  const [, authority = "", path = ""] = WEB_ADDRESS.exec(text) ?? [];
  const host = authority.replace(/:\d{1,5}$/, "");
  if (parseHost(host) === undefined || path.includes("//"))
    return fail("is not an address such as http://127.0.0.1:4318");
  if (/\/v1\/(metrics|logs)\/?$/.test(path))
    return fail(`names one kind of data - write ${text.replace(/\/v1\/.*$/, "")}`);
  return ok(text.replace(/\/+$/, ""));
}

/** Scheme, host with port, path; neither query nor fragment. */
const WEB_ADDRESS = /^https?:\/\/([^/?#\s]+)(\/[^?#\s]*)?$/i;

function parseHeaders(live: ConfigReader, findings: Findings): TelemetrySettings["headers"] {
  const todo = "write {name: value}";
  const headers = new Map<string, string>();
  for (const entry of entriesOf(live.given(HEADERS)?.node, HEADERS, todo, findings)) {
    const { key, value } = entry;
    if (!HEADER_NAME.test(key)) findings.error(keyError(entry, HEADERS, "is not the name of a header"));
    else if (value.kind === "scalar" && HEADER_VALUE.test(value.text)) headers.set(key, value.text);
    else {
      // It may be a secret, and is not shown.
      const what =
        value.kind === "scalar" ? "holds a character that no header may" : `${showKind(value)} where text belongs`;
      findings.error({ code: "CONFIG_VALUE", place: value.place, path: `${HEADERS}.${key}`, what, todo });
    }
  }
  return Object.fromEntries(headers);
}

/** RFC 9110 5.1 and 5.5. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const HEADER_VALUE = /^[\t\x20-\x7e]{0,8192}$/;
