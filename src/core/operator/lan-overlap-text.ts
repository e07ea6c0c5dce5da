/** A network of this machine that has addresses in common with the overlay. */
export interface LanOverlap {
  readonly device: string;
  readonly lan: string;
  readonly overlay: string;
  /** Whether the way to the network wins against the overlay's device, or may: then packets for hosts of the overlay go there in clear. */
  readonly wins: boolean;
}

/** What it means, and what to do: clauses. */
export function overlapText({ device, lan, overlay, wins }: LanOverlap): {
  readonly text: string;
  readonly todo: string;
} {
  const how = lan === overlay ? "which is the overlay network, too" : `which overlaps the overlay network ${overlay}`;
  const so = wins
    ? "packets for hosts of the overlay with such addresses can leave there in clear"
    : "machines of that network with addresses of the overlay are not reached";
  return {
    text: `${device} is in ${lan}, ${how}: ${so}`,
    todo: "give the overlay a network that no LAN of its hosts uses (sign the certificates anew), or use another LAN",
  };
}
