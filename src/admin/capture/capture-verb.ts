import type { SeenPacket } from "../../core/flow-story.ts";
import type { CaptureDesk, CaptureWish } from "../../runtime/capture/capture-desk.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";
import { type Members, type Sink, streams, type Verb } from "../verb.ts";
import { type HostsByName, parseCaptureFilter } from "./capture-filter.ts";

/** What `capture` streams: packets as they come, and how many more found no room. */
export interface CaptureReport {
  readonly packets: readonly PacketReport[];
  readonly lost: number;
}

export interface PacketReport {
  /** Unix milliseconds. */
  readonly time: number;
  /** Base64. */
  readonly packet: string;
  readonly length: number;
  readonly inbound: boolean;
  /** The drop reason; null: it was let through. */
  readonly refused: string | null;
  /** Through whose tunnel, by its certificate. */
  readonly peer: string | null;
}

export interface CaptureHost {
  readonly captures: CaptureDesk;
  /** Those that can be named in a filter. */
  readonly hosts: () => HostsByName;
}

/** Packets are the secrets of others: only the owner of the daemon sees them. */
export function captureVerb(host: CaptureHost): Verb {
  return streams("owner", parseCapture, ({ filter, snapBytes }, sink: Sink) => {
    const wish: CaptureWish = { filter: readFilter(filter, host.hosts()), snapBytes };
    const stop = host.captures.start(wish, (packets, lost) => sink.push(reportOf(packets, lost, Date.now())));
    // So that whoever asked knows that it has begun.
    sink.push({ packets: [], lost: 0 } satisfies CaptureReport);
    return stop;
  });
}

function reportOf(packets: readonly SeenPacket[], lost: number, now: number): CaptureReport {
  const reports = packets.map(({ packet, agoMs, length, inbound, refused, peer }) => ({
    time: now - agoMs,
    packet: Buffer.from(packet.buffer, packet.byteOffset, packet.length).toString("base64"),
    length,
    inbound,
    refused: refused ?? null,
    peer: peer ?? null,
  }));
  return { packets: reports, lost };
}

/** What a filter of 64 parts can have, and more. */
const FILTER_LENGTH_MAX = 1_024;
/** As long as any packet is. */
const SNAP_BYTES_MAX = 65_535;

function parseCapture({ filter = "", snapBytes = 0 }: Members): { filter: string; snapBytes: number } | string {
  if (typeof filter !== "string" || filter.length > FILTER_LENGTH_MAX)
    return `a filter is a text of at most ${FILTER_LENGTH_MAX} characters`;
  if (typeof snapBytes !== "number" || !Number.isInteger(snapBytes) || snapBytes < 0 || snapBytes > SNAP_BYTES_MAX)
    return `snapBytes is 0 to ${SNAP_BYTES_MAX}`;
  return { filter, snapBytes };
}

function readFilter(text: string, hosts: HostsByName): CaptureWish["filter"] {
  const filter = parseCaptureFilter(text, hosts);
  if (filter.ok) return filter.value;
  const { at, why } = filter.reason;
  throw new OperatorError(
    "bad-filter",
    {
      what: "cannot read the filter",
      why,
      todo: "write it anew: lacis capture --help",
      details: [`  ${text}`, `  ${" ".repeat([...text.slice(0, at)].length)}^`],
    },
    ExitCode.usage,
  );
}
