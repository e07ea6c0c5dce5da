/** A network of this machine that has addresses in common with the overlay. */
export interface LanOverlap {
  readonly device: string;
  readonly lan: string;
  readonly overlay: string;
  /** Whether the way to the network wins against the overlay's device, or may: then packets for hosts of the overlay go there. */
  readonly wins: boolean;
  /** Whether it is a tunnel, too: of another VPN, or of another host of this overlay on the same machine. */
  readonly tunnel: boolean;
}

/** What it means, and what to do: clauses. */
export function overlapText({ device, lan, overlay, wins, tunnel }: LanOverlap): {
  readonly text: string;
  readonly todo: string;
} {
  const how = lan === overlay ? "which is the overlay network, too" : `which overlaps the overlay network ${overlay}`;
  if (tunnel) {
    const so = wins
      ? "packets for hosts of the overlay can go into that one"
      : "packets for hosts beyond that one go here";
    return {
      text: `the tunnel ${device} is in ${lan}, ${how}: ${so}`,
      todo: "where it is another host of this overlay, give each a network namespace of its own, or all but one tun.disabled; where it is another VPN, give one of them another network",
    };
  }
  const so = wins
    ? "packets for hosts of the overlay with such addresses can leave there in clear"
    : "machines of that network with addresses of the overlay are not reached";
  return {
    text: `${device} is in ${lan}, ${how}: ${so}`,
    todo: "give the overlay a network that no LAN of its hosts uses (sign the certificates anew), or use another LAN",
  };
}
