import type { DataPlaneCommand, PolicyId } from "../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { FarEnd, facts, PEER, policies, prefixes, programOf, routes, ruleOf, through } from "../host.ts";
import { icmpError, icmpPacket, ipPacket, partOf, tcpPacket, udpPacket } from "../inner-packets.ts";
import type { DataPlaneProbe, Observed, Step } from "../step.ts";
import { type Happening, LOCALS, PEERS } from "./history.ts";
import { FirewallModel, type ModelPacket, type ModelProgram } from "./model.ts";

/** Where the far host and what lies behind it are; the gateway is the first peer. */
const NETWORKS = ["10.77.0.1/16", "10.78.0.1/16", "fd00:77::1/64"];
const DIVIDED_BYTES = 96;
const BEHIND = "10.99.0.0/24";

/** Judges happenings as the model does. */
export class ModelPlayer {
  readonly #model = new FirewallModel(PEERS, LOCALS);

  /** The verdict about a packet; undefined for everything else. */
  play(happening: Happening): string | undefined {
    switch (happening.kind) {
      case "packet":
        return this.#model.judge(happening.packet, happening.peer, happening.at);
      case "timeouts":
        this.#model.timeouts = happening;
        return undefined;
      case "return":
        this.#model.bind(happening.peer, happening.policy);
        return undefined;
      case "programs":
        for (const [id, program] of happening.programs) this.#model.apply(id, program);
        for (const [peer, policy] of happening.bindings) this.#model.bind(peer, policy);
        if (happening.raiseEpoch) this.#model.raiseEpoch();
        return undefined;
    }
  }
}

/** Turns happenings into the steps of a data plane. One for all of them: whoever seals packets must count. */
export class Scribe {
  readonly #ends: (FarEnd | undefined)[] = [];
  #index = 0;

  static beginning(): readonly Step[] {
    const gateway = through([PEERS[0]![0]!, 1]);
    return [facts({ networks: prefixes(...NETWORKS) }), routes({ [BEHIND]: gateway }, NETWORKS)].map(command);
  }

  /** The last one says what became of the packet. */
  steps(happening: Happening): readonly Step[] {
    return [{ do: "advance", to: happening.at }, ...this.#steps(happening)];
  }

  #steps(happening: Happening): readonly Step[] {
    switch (happening.kind) {
      case "packet": {
        const packet = bytesOf(happening.packet);
        if (happening.packet.way === "outbound") return [{ do: "tun", packet }];
        return [{ do: "udp", source: PEER, datagram: this.#ends[happening.peer]!.message(packet) }];
      }
      case "timeouts":
        return [command(facts({ networks: prefixes(...NETWORKS), flowTimeouts: happening }))];
      case "return":
        return this.#return(happening.peer, happening.policy).map(command);
      case "programs": {
        const programs = [...happening.programs].map(([id, program]) => productProgram(id, program));
        const bindings = [...happening.bindings].map(([peer, policy]) => ({
          localIndex: this.#ends[peer]!.localIndex,
          policyId: policy as PolicyId,
        }));
        return [command({ ...policies(programs, happening.raiseEpoch), bindings } as DataPlaneCommand)];
      }
    }
  }

  #return(peer: number, policy: number): readonly DataPlaneCommand[] {
    const before = this.#ends[peer];
    const next = new FarEnd(++this.#index, "aes");
    this.#ends[peer] = next;
    const peerAddresses = PEERS[peer]!.filter((address) => !address.startsWith("10.99.")) as IpAddress[];
    const allowedPrefixes = peer === 0 ? prefixes(BEHIND) : [];
    return [
      ...(before ? [{ kind: "remove-session", localIndex: before.localIndex, sendClose: false } as const] : []),
      next.installation({ peerAddresses, allowedPrefixes, policyId: policy as PolicyId }),
    ];
  }
}

function command(given: DataPlaneCommand): Step {
  return { do: "command", command: given };
}

function productProgram(id: number, program: ModelProgram): ReturnType<typeof programOf> {
  const translate = (rules: ModelProgram["inbound"]): ReturnType<typeof ruleOf>[] =>
    rules.map((rule, ruleId) => {
      const { icmpTypes, fragment, remote, local, ...rest } = rule;
      const optional = { ...(icmpTypes.length > 0 && { icmpTypes }), ...(fragment && { fragment }) };
      return ruleOf({ ...rest, ...optional, ruleId, remote: prefixes(...remote), local: prefixes(...local) });
    });
  // How a packet is refused must not matter to what is allowed.
  const refuse = id === 2 ? ({ inbound: "reject", outbound: "reject" } as const) : programOf(id, []).refuse;
  return { ...programOf(id, translate(program.inbound), translate(program.outbound)), refuse };
}

function bytesOf(packet: ModelPacket): Uint8Array {
  const whole = wholeOf(packet);
  const { part, way, local, remote, protocol } = packet;
  if (!part) return whole;
  const upper = new Uint8Array(DIVIDED_BYTES);
  upper.set(whole.subarray(local.includes(":") ? 40 : 20));
  const [from, to] = way === "inbound" ? [remote, local] : [local, remote];
  return partOf(ipPacket({ from, to, protocol, upper }), part);
}

function wholeOf(packet: ModelPacket): Uint8Array {
  const { way, local, remote, localPort, remotePort, protocol } = packet;
  const isInbound = way === "inbound";
  const [from, to] = isInbound ? [remote, local] : [local, remote];
  const [fromPort, toPort] = isInbound ? [remotePort, localPort] : [localPort, remotePort];
  switch (protocol) {
    case 6:
      return tcpPacket({ from, to, fromPort, toPort, flags: packet.tcpFlags });
    case 17:
      return udpPacket({ from, to, fromPort, toPort });
    case 1:
    case 58:
      if (packet.quote) return icmpError({ from, to, type: packet.icmpType, about: wholeOf(packet.quote), bytes: 48 });
      return icmpPacket({ from, to, type: packet.icmpType, identifier: remotePort });
    default:
      return ipPacket({ from, to, protocol, upper: new Uint8Array(8) });
  }
}

/** What each of several happenings came to in a data plane; undefined where nothing is judged. */
export async function playInDataPlane(
  probe: DataPlaneProbe,
  happenings: readonly Happening[],
  scribed: readonly (readonly Step[])[],
): Promise<readonly (string | undefined)[]> {
  const observed = await probe.apply(scribed.flat());
  let next = 0;
  return happenings.map((happening, i) => {
    const caused = observed.slice(next, next + scribed[i]!.length);
    next += caused.length;
    for (const each of caused.flat()) if (each.out === "refused") throw new Error(`refused: ${each.code}`);
    return happening.kind === "packet" ? verdictOf(caused.at(-1)!, happening.packet.way) : undefined;
  });
}

function verdictOf(observed: readonly Observed[], way: string): string {
  for (const each of observed)
    if (each.out === "event" && each.event["kind"] === "drop-sample") return String(each.event["reason"]);
  return observed.some(({ out }) => out === (way === "inbound" ? "tun" : "udp")) ? "allowed" : "nothing";
}
