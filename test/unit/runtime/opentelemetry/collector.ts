import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { createRequire } from "node:module";

/** One request to a collector. */
export interface CollectorRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A collector as OpenTelemetry's protocol describes it: it takes OTLP over HTTP, and reads it by the protocol's own schema. */
export class Collector {
  readonly requests: CollectorRequest[] = [];
  /** What it answers. */
  status = 200;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        if (this.status === 200)
          this.requests.push({ path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) });
        response.writeHead(this.status, { "content-type": "application/x-protobuf" }).end();
      });
    });
  }

  static async open(port: number): Promise<Collector> {
    const collector = new Collector();
    await new Promise<void>((resolve) => collector.#server.listen(port, "127.0.0.1", resolve));
    return collector;
  }

  /** Every metric of the newest request, by name. */
  metrics(): ReadonlyMap<string, ReadMetric> {
    const body = this.requests.findLast(({ path }) => path === "/v1/metrics")?.body;
    const { resourceMetrics = [] } = body ? read<MetricsRequest>("metrics.v1.ExportMetricsServiceRequest", body) : {};
    const all = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    return new Map(all.map((metric) => [metric.name, metric]));
  }

  /** Where the newest metrics come from. */
  resource(): Readonly<Record<string, unknown>> {
    const body = this.requests.findLast(({ path }) => path === "/v1/metrics")?.body;
    const { resourceMetrics = [] } = body ? read<MetricsRequest>("metrics.v1.ExportMetricsServiceRequest", body) : {};
    return plain(resourceMetrics[0]?.resource.attributes ?? []);
  }

  logs(): readonly ReadLog[] {
    return this.requests
      .filter(({ path }) => path === "/v1/logs")
      .flatMap(({ body }) => read<LogsRequest>("logs.v1.ExportLogsServiceRequest", body).resourceLogs)
      .flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
      .map(({ attributes, body, ...record }) => ({
        ...record,
        text: body.stringValue,
        attributes: plain(attributes),
      }));
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export interface ReadMetric {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly sum?: { readonly isMonotonic: boolean; readonly aggregationTemporality: string; dataPoints: ReadPoint[] };
  readonly gauge?: { readonly dataPoints: ReadPoint[] };
}

export interface ReadPoint {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asDouble: number;
  readonly attributes: readonly KeyValue[];
}

export interface ReadLog {
  readonly timeUnixNano: string;
  readonly severityText: string;
  readonly eventName: string;
  readonly text: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>> & { readonly arrayValue?: { values: { stringValue: string }[] } };
}

interface MetricsRequest {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeMetrics: readonly { readonly metrics: readonly ReadMetric[] }[];
  }[];
}

interface LogsRequest {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly {
      readonly logRecords: readonly (Omit<ReadLog, "text" | "attributes"> & {
        readonly body: { readonly stringValue: string };
        readonly attributes: readonly KeyValue[];
      })[];
    }[];
  }[];
}

/** Attributes as an object; numbers of 64 bits as text. */
export function plain(attributes: readonly KeyValue[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.arrayValue ? value.arrayValue.values.map(({ stringValue }) => stringValue) : Object.values(value)[0],
    ]),
  );
}

const root = createRequire(import.meta.url)("otlp-schema/build/src/generated/root.js") as Schema;

interface Schema {
  readonly lookup?: unknown;
  readonly opentelemetry: { readonly proto: { readonly collector: Record<string, Record<string, Message>> } };
}

interface Message {
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly toObject: (message: unknown, options: object) => unknown;
}

function read<Request>(name: string, body: Buffer): Request {
  const [kind = "", version = "", type = ""] = name.split(".");
  const services = root.opentelemetry.proto.collector[kind]?.[version] as unknown as Record<string, Message>;
  const message = services[type];
  if (!message) throw new Error(`no ${name} in the schema`);
  return message.toObject(message.decode(body), { longs: String, enums: String, arrays: true }) as Request;
}
