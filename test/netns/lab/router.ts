import type { Machine, TestNetwork } from "./network.ts";

/** Where packets for these networks end. */
const SINK = "sink";
/** The other end of it, to which nothing is addressed. */
const DRAIN = "drain";
const ADDRESSES = ["192.0.2.254", "2001:db8::fe"] as const;

/**
 * A machine that forwards and is the default route of others, as the router of a site is. It has a route for the overlay, too, into a device that
 * swallows: what is forwarded there has left a host in clear.
 */
export class Router {
  readonly machine: Machine;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Adds the router to a network whose machines have addresses in 192.0.2.0/24 and 2001:db8::/64. */
  static async add(network: TestNetwork, overlay: readonly string[]): Promise<Router> {
    const machine = await network.machine("router", [`${ADDRESSES[0]}/24`, `${ADDRESSES[1]}/64`]);
    await forward(machine);
    await machine.must("ip", ["link", "add", SINK, "type", "veth", "peer", "name", DRAIN]);
    for (const device of [SINK, DRAIN]) {
      await machine.must("ip", ["link", "set", device, "arp", "off", "addrgenmode", "none", "up"]);
    }
    for (const prefix of overlay) await machine.must("ip", ["route", "add", prefix, "dev", SINK]);
    return new Router(machine);
  }

  /** Becomes the default route of a machine. */
  async serve(machine: Machine): Promise<void> {
    for (const address of ADDRESSES) await machine.must("ip", ["route", "add", "default", "via", address]);
  }

  /**
   * Packets for the overlay that have arrived here so far, whatever their protocol: it forwards nothing else. What the device has sent would be more,
   * because the router itself says there which multicast groups it is in.
   */
  async strays(): Promise<number> {
    const four = await this.machine.must("cat", ["/proc/net/snmp"]);
    const six = await this.machine.must("cat", [`/proc/net/dev_snmp6/${SINK}`]);
    const [names = [], values = []] = four
      .split("\n")
      .flatMap((line) => (line.startsWith("Ip: ") ? [line.split(" ")] : []));
    const forwarded4 = Number(values[names.indexOf("ForwDatagrams")]);
    const forwarded6 = Number(/^Ip6OutForwDatagrams\s+(\d+)$/m.exec(six)?.[1]);
    return forwarded4 + forwarded6;
  }
}

/** Lets a machine forward packets of both families. */
export async function forward(machine: Machine): Promise<void> {
  for (const family of ["ipv4", "ipv6"]) {
    await machine.must("sh", ["-c", `echo 1 > /proc/sys/net/${family}/conf/all/forwarding`]);
  }
}
