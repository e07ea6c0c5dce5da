import { fail, ok, type Result } from "../../base/result.ts";
import type { Findings } from "../document/findings.ts";
import type { LoggingSettings, StatsSettings } from "../settings.ts";
import { parseHostPort, parseListenAddress } from "./host-port.ts";
import type { ConfigReader } from "./reader.ts";
import { parsedText, refuseMissing } from "./texts.ts";

export function parseLogging(live: ConfigReader): LoggingSettings {
  return {
    level: live.choice("logging.level"),
    format: live.choice("logging.format"),
    timestamps: !live.boolean("logging.disable_timestamp"),
  };
}

/** Reads `stats`; what belongs to another type than the chosen one is read, and not needed. Undefined when something is wrong. */
export function parseStats(live: ConfigReader, findings: Findings): StatsSettings | undefined {
  const type = live.choice<StatsType>("stats.type");
  const intervalMs = live.durationMs("stats.interval");
  const common = {
    intervalMs,
    messages: live.boolean("stats.message_metrics"),
    lighthouse: live.boolean("stats.lighthouse_metrics"),
  };
  const protocol = live.choice("stats.protocol");
  const receiver = parsedText("stats.host", (text) => parseHostPort(text, { usualPort: 2_003 }), live, findings);
  const prefix = live.text("stats.prefix");
  const listen = parsedText("stats.listen", (text) => parseListenAddress(text, 8_080), live, findings);
  const path = parsedText("stats.path", parsePath, live, findings);
  const namespace = parsedText("stats.namespace", parseNamePart, live, findings) ?? "";
  const subsystem = parsedText("stats.subsystem", parseNamePart, live, findings) ?? "";
  if (type === "none") return { to: "nobody" };
  for (const [path, example] of NEEDED[type])
    refuseMissing(path, { example, key: "stats.type", value: type }, live, findings);
  if (type === "graphite") {
    const carrier = protocol.startsWith("udp") ? "udp" : "tcp";
    const family = protocol.endsWith("4") ? 4 : protocol.endsWith("6") ? 6 : 0;
    return receiver && { to: type, ...common, carrier, family, receiver, prefix };
  }
  return listen && path !== undefined ? { to: type, ...common, listen, path, namespace, subsystem } : undefined;
}

type StatsType = "none" | "graphite" | "prometheus";

/** What a type cannot do without, each with an example. */
const NEEDED: Readonly<Record<Exclude<StatsType, "none">, readonly (readonly [string, string])[]>> = {
  graphite: [
    ["stats.interval", "10s"],
    ["stats.host", "192.0.2.1:2003"],
  ],
  prometheus: [
    ["stats.interval", "10s"],
    ["stats.listen", "127.0.0.1:8080"],
    ["stats.path", "/metrics"],
  ],
};

function parsePath(text: string): Result<string, string> {
  return /^\/[!-~]*$/.test(text) && !/[?#]/.test(text) ? ok(text) : fail("is not a path such as /metrics");
}

/** As Nebula's exporter spells it: what separates words becomes an underscore. */
function parseNamePart(text: string): Result<string, string> {
  const name = text.replaceAll(/[ .\-=/]/g, "_");
  return /^[A-Za-z_:][A-Za-z0-9_:]*$/.test(name) ? ok(name) : fail("cannot begin the name of a metric");
}
