import { createSocket } from "node:dgram";
import { familyOf } from "../../core/netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../core/netip/endpoint.ts";
import type { Unreachable } from "../../core/operator/failure.ts";
import { systemCode } from "../../runtime/operator-error.ts";

/** An ICMP error is back as soon as an answer would be. */
const WAIT_MS = 800;
/** A byte that is no packet of ours: whoever listens there ignores it. */
const NOTHING = Uint8Array.of(0);

/**
 * Whether somebody says that nothing gets there. From a socket of its own, connected to the place, and only when an operator asks: on the socket of all
 * tunnels the kernel would give such an error, which anybody can forge, to whichever datagram is sent next. Undefined: silence.
 */
export async function probeUdp(at: Endpoint): Promise<Unreachable["why"] | undefined> {
  const socket = createSocket(familyOf(endpointAddress(at)) === 6 ? "udp6" : "udp4");
  return new Promise((resolve) => {
    let isSettled = false;
    const settle = (error?: Error | null): void => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(end);
      clearTimeout(second);
      socket.close();
      resolve(error ? WHYS[systemCode(error)] : undefined);
    };
    const send = (): void => socket.send(NOTHING, (error) => error && settle(error));
    const end = setTimeout(settle, WAIT_MS);
    // The first may be held up by the search for the neighbour, and the error about it is told to the second.
    const second = setTimeout(send, WAIT_MS / 2);
    socket.on("error", settle);
    // What is wrong before anything was sent is wrong here, and was told of when it was sent. Node's types leave the error out.
    const connected: (error?: Error) => void = (error) => (error ? settle() : send());
    socket.connect(endpointPort(at), endpointAddress(at), connected);
  });
}

/** What the kernel makes of ICMP destination unreachable (RFC 792, RFC 1812 5.2.7.1) for a connected socket. */
const WHYS: Readonly<Record<string, Unreachable["why"]>> = {
  ECONNREFUSED: "nobody-listens",
  EHOSTUNREACH: "refused-on-the-way",
  ENETUNREACH: "refused-on-the-way",
  EACCES: "refused-on-the-way",
};
