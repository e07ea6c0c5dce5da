import { openSshKey } from "../runtime/console/ssh-identities.ts";
import {
  AUTHORITY,
  CONSOLE_KEY,
  CONSOLE_PORTS,
  certificateSeen,
  consoleSeen,
  SANDBOX,
  sandboxSeen,
  startConsole,
} from "./console-probes.ts";
import {
  COLLECTOR_PORTS,
  collectorsSeen,
  PAGE_PORTS,
  pagesSeen,
  RECEIVER_PORTS,
  receiversSeen,
  startMetrics,
  startTelemetry,
} from "./metrics-probes.ts";
import type { Row, Values } from "./row.ts";
import { pems } from "./subject.ts";

const PROMETHEUS: Values = {
  "stats.type": "prometheus",
  "stats.interval": "1h",
  "stats.listen": `127.0.0.1:${PAGE_PORTS.before}`,
  "stats.path": "/metrics",
};
const GRAPHITE: Values = {
  "stats.type": "graphite",
  "stats.interval": "100ms",
  "stats.host": `127.0.0.1:${RECEIVER_PORTS.before}`,
};
const COLLECTOR: Values = {
  "opentelemetry.endpoint": `http://127.0.0.1:${COLLECTOR_PORTS.before}`,
  "opentelemetry.interval": "100ms",
};
const CONSOLE: Values = {
  "sshd.enabled": "true",
  "sshd.listen": `127.0.0.1:${CONSOLE_PORTS.before}`,
  "sshd.host_key": "host_key",
  "sshd.authorized_users": `[{user: me, keys: ["${CONSOLE_KEY.public}"]}]`,
};

/** What an operator sees of the running process: `flow_log`, `sshd`, `stats`, `opentelemetry`. */
export const OPERATION_ROWS: Readonly<Record<string, Row>> = {
  "flow_log.megabytes": {
    other: "0",
    sees: ({ host }) =>
      host.commands.flatMap((command) => (command.kind === "configure" ? [command.recordFlows] : [])).at(-1),
  },
  ...metricsRows({ base: PROMETHEUS, given: startMetrics }, pagesSeen, {
    "stats.type": "none",
    "stats.interval": "100ms",
    "stats.listen": `127.0.0.1:${PAGE_PORTS.after}`,
    "stats.path": "/stats",
    "stats.namespace": "ns",
    "stats.subsystem": "sub",
    "stats.message_metrics": "true",
    "stats.lighthouse_metrics": "true",
  }),
  ...metricsRows({ base: GRAPHITE, given: startMetrics }, receiversSeen, {
    "stats.protocol": "udp",
    "stats.host": `127.0.0.1:${RECEIVER_PORTS.after}`,
    "stats.prefix": "mesh",
  }),
  ...metricsRows({ base: COLLECTOR, given: startTelemetry }, collectorsSeen, {
    "opentelemetry.endpoint": `http://127.0.0.1:${COLLECTOR_PORTS.after}`,
    "opentelemetry.headers": "{x-tenant: mesh}",
    "opentelemetry.interval": "1h",
    "opentelemetry.send_metrics": "false",
    "opentelemetry.send_flows": "true",
  }),

  ...consoleRows(consoleSeen, {
    "sshd.enabled": "false",
    "sshd.listen": `127.0.0.1:${CONSOLE_PORTS.after}`,
    "sshd.authorized_users": `[{user: you, keys: "${CONSOLE_KEY.public}"}]`,
  }),
  "sshd.host_key": {
    base: CONSOLE,
    other: { ...pems(), "sshd.host_key": openSshKey().private },
    given: startConsole,
    sees: consoleSeen,
  },
  ...consoleRows(certificateSeen, { "sshd.trusted_cas": `["${AUTHORITY.line}"]` }),
  ...consoleRows(sandboxSeen, { "sshd.sandbox_dir": SANDBOX }),
};

function consoleRows(sees: Row["sees"], others: Values): Readonly<Record<string, Row>> {
  return Object.fromEntries(
    Object.entries(others).map(([key, other = ""]) => [key, { base: CONSOLE, other, given: startConsole, sees }]),
  );
}

function metricsRows(
  { base, given }: Required<Pick<Row, "base" | "given">>,
  sees: Row["sees"],
  others: Values,
): Readonly<Record<string, Row>> {
  return Object.fromEntries(Object.entries(others).map(([key, other = ""]) => [key, { base, other, given, sees }]));
}
