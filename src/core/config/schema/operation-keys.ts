import {
  BOOLEAN,
  choice,
  duration,
  integer,
  type KeySpec,
  listOf,
  removed,
  section,
  structure,
  TEXT,
} from "./key-spec.ts";

/** What an operator sees of the running process: `logging`, `flow_log`, `sshd`, `stats`, `opentelemetry`. */
export const OPERATION_KEYS: readonly KeySpec[] = [
  ...section(
    "logging",
    { reload: "live" },
    {
      level: {
        type: choice(["trace", "debug", "info", "warn", "error"], { warning: "warn", fatal: "error", panic: "error" }),
        default: "info",
        about: "Least important messages that are logged.",
      },
      format: { type: choice(["text", "json"]), default: "text", about: "Lines for people, or one JSON object each." },
      disable_timestamp: {
        type: BOOLEAN,
        default: "false",
        since: "1.3",
        about: "Leave out the time, for instance under a journal that adds it.",
      },
      timestamp_format: {
        type: structure("Go time layout"),
        since: "1.2",
        state: removed("remove it; times are always in RFC 3339", { refused: false }),
        about: "Form of the time.",
      },
    },
  ),
  ...section(
    "flow_log",
    { reload: "live" },
    {
      megabytes: {
        type: integer(0, 65_536),
        default: "64",
        since: "lacis",
        about:
          "Room on disk for what `lacis flows` tells: flows as they begin, end and are refused. The oldest go first; 0 keeps nothing.",
      },
    },
  ),
  ...section(
    "sshd",
    { reload: "live" },
    {
      enabled: { type: BOOLEAN, default: "false", about: "Serve a console over SSH." },
      listen: { type: TEXT, about: "Address and port of the console, or :port on every address; not port 22." },
      host_key: {
        type: { kind: "pem", holds: "the console's private key" },
        secret: true,
        about: "Key of the console: a path, or the PEM text.",
      },
      authorized_users: {
        type: structure("list of {user, keys}, keys being one line of a .pub file or a list of them"),
        default: "[]",
        about: "Who may use the console, and with which keys.",
      },
      trusted_cas: {
        type: listOf(TEXT),
        default: "[]",
        since: "1.9",
        about: "Authorities whose user certificates are let in, each a line of a .pub file.",
      },
      sandbox_dir: {
        type: TEXT,
        default: "",
        since: "1.11",
        about:
          "Folder of profiling files, which nobody else may write in; it is not created. Default: nebula-debug among temporary files.",
      },
    },
  ),
  ...section(
    "stats",
    { reload: "live" },
    {
      type: {
        type: choice(["none", "graphite", "prometheus"], { "": "none" }),
        default: "none",
        about: "Send metrics to Graphite, or serve them to Prometheus.",
      },
      interval: {
        type: duration(100, 86_400_000),
        about: "How often Graphite is sent metrics, or how old those may be that Prometheus gets; needed with either.",
      },
      protocol: {
        type: choice(["tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"]),
        default: "tcp",
        about: "Carrier of Graphite metrics; Nebula has only TCP.",
      },
      host: { type: TEXT, about: "Receiver of Graphite metrics, address:port or name:port." },
      prefix: { type: TEXT, default: "nebula", about: "Prefix of Graphite metrics." },
      listen: { type: TEXT, about: "Address and port of the Prometheus page, or :port on every address." },
      path: { type: TEXT, about: "Path of the Prometheus page, such as /metrics." },
      namespace: { type: TEXT, default: "", about: "First part of Prometheus names." },
      subsystem: { type: TEXT, default: "", about: "Second part of Prometheus names." },
      message_metrics: { type: BOOLEAN, default: "false", since: "1.3", about: "Count messages by type." },
      lighthouse_metrics: {
        type: BOOLEAN,
        default: "false",
        since: "1.3",
        about: "Count lighthouse messages by type.",
      },
    },
  ),
  ...section(
    "opentelemetry",
    { reload: "live" },
    {
      endpoint: {
        type: TEXT,
        default: "",
        since: "lacis",
        about:
          "Where a collector takes OTLP over HTTP, such as http://127.0.0.1:4318: /v1/metrics and /v1/logs are below it. Without one nothing is sent.",
      },
      headers: {
        type: structure("map of names and values"),
        default: "{}",
        since: "lacis",
        secret: true,
        about: "Sent with every request, for instance {authorization: Bearer ...}.",
      },
      interval: {
        type: duration(100, 86_400_000),
        default: "1m",
        since: "lacis",
        about: "How often metrics are sent; flows are sent within a second.",
      },
      send_metrics: {
        type: BOOLEAN,
        default: "true",
        since: "lacis",
        about:
          "Send metrics; `stats.message_metrics` and `stats.lighthouse_metrics` say whether messages are told apart.",
      },
      send_flows: {
        type: BOOLEAN,
        default: "false",
        since: "lacis",
        about: "Send what the flow log notes, a log record each.",
      },
    },
  ),
];
