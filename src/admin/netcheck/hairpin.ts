import { createSocket } from "node:dgram";
import { type Endpoint, endpointAddress, endpointPort } from "../../core/netip/endpoint.ts";
import { decodeHeader, encodeHeader, PacketType } from "../../core/wire/header.ts";

const WAIT_MS = 500;
const TRIES = 2;
/** Of a session that does not exist: whoever gets this says so, and that is the answer. */
const NOBODY = 0xfffffffe;

/**
 * Whether this host hears itself by the address that others see: a packet for no session goes there from another socket, and our data plane answers
 * it. True is certain; false may also mean that the translator lets in only whom we have sent to.
 */
export async function hairpins(outside: Endpoint): Promise<boolean> {
  const socket = createSocket("udp4");
  const packet = new Uint8Array(48);
  packet.set(encodeHeader({ type: PacketType.message, subtype: 0, remoteIndex: NOBODY, counter: 1n }));
  return new Promise((resolve) => {
    let tries = 0;
    const settle = (result: boolean): void => {
      clearInterval(timer);
      socket.close();
      resolve(result);
    };
    const send = (): void => {
      if (tries++ >= TRIES) settle(false);
      else socket.send(packet, endpointPort(outside), endpointAddress(outside), () => {});
    };
    const timer = setInterval(send, WAIT_MS);
    socket.on("error", () => settle(false));
    socket.on("message", (answer) => {
      const header = decodeHeader(answer);
      if (header.ok && header.value.type === PacketType.recvError && header.value.remoteIndex === NOBODY) settle(true);
    });
    send();
  });
}
