/**
 * How a translator counts through its ports: as numbers, or with their bytes swapped, as those do that count in the byte order of their processor.
 * The swapped order repeats itself like a mirror: swapping twice is no change.
 */
export type PortOrder = "ascending" | "swapped";

/** `step`: how far apart two ports are that follow each other, as one sees it from outside. */
export const portOrders: Readonly<Record<PortOrder, { readonly step: number }>> = {
  ascending: { step: 1 },
  swapped: { step: 256 },
};

const PORTS = 65_536;

/** The place of a port in its order, and the port at a place. */
export function counterOf(port: number, order: PortOrder): number {
  return order === "ascending" ? port & 0xffff : ((port & 0xff) << 8) | ((port >> 8) & 0xff);
}

/** From one place up to the other, around the end of the range. */
export function distanceBetween(from: number, to: number): number {
  return (to - from + PORTS) % PORTS;
}

/** The order of ports that lie so far apart. */
export function orderOf(delta: number): PortOrder {
  return delta > 0 && delta % portOrders.swapped.step === 0 ? "swapped" : "ascending";
}
