/** Datagrams as they are on the wire; received ones once authentic. */
export interface TrafficCounts {
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
}

export const NO_TRAFFIC: TrafficCounts = { sentPackets: 0, sentBytes: 0, receivedPackets: 0, receivedBytes: 0 };

export function added(a: TrafficCounts, b: TrafficCounts): TrafficCounts {
  return combined(a, b, (one, other) => one + other);
}

/** Count by count. */
export function combined(a: TrafficCounts, b: TrafficCounts, by: (a: number, b: number) => number): TrafficCounts {
  return {
    sentPackets: by(a.sentPackets, b.sentPackets),
    sentBytes: by(a.sentBytes, b.sentBytes),
    receivedPackets: by(a.receivedPackets, b.receivedPackets),
    receivedBytes: by(a.receivedBytes, b.receivedBytes),
  };
}
