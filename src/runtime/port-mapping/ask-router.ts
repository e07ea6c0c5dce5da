import { createSocket } from "node:dgram";
import type { IpAddress } from "../../core/netip/address.ts";

/** When the question is asked again, and when nobody is waited for any more. */
const AGAIN_AFTER_MS = [250, 750, 1_750] as const;
const PATIENCE_MS = 3_000;
/** Answers that are looked at: whoever sends more is no router. */
const ANSWERS_MAX = 32;

export interface Router {
  readonly gateway: IpAddress;
  /** Of PCP and NAT-PMP: 5351 unless a test says otherwise. */
  readonly port: number;
  /** Of UPnP: 1900 unless a test says otherwise. */
  readonly ssdpPort: number;
}

/**
 * Asks a router and reads what comes from its address and port, and nothing else. `read` says undefined of what answers another question. Undefined: no answer.
 */
export async function askRouter<Answer>(
  { gateway, port }: Router,
  question: Uint8Array,
  read: (answer: Uint8Array) => Answer | undefined,
  patienceMs: number = PATIENCE_MS,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(gateway.includes(":") ? "udp6" : "udp4");
    let answers = 0;
    const settle = (answer: Answer | undefined): void => {
      for (const timer of timers) clearTimeout(timer);
      socket.removeAllListeners();
      // What the socket still complains about when it closes concerns nobody.
      socket.on("error", () => {});
      socket.close();
      resolve(answer);
    };
    const send = (): void => socket.send(question, () => {});
    const timers = [
      ...AGAIN_AFTER_MS.filter((ms) => ms < patienceMs).map((ms) => setTimeout(send, ms)),
      setTimeout(() => settle(undefined), patienceMs),
    ];
    // Nobody listens there, or there is no way.
    socket.on("error", () => settle(undefined));
    socket.on("message", (bytes) => {
      const answer = read(bytes);
      if (answer !== undefined || ++answers >= ANSWERS_MAX) settle(answer);
    });
    // A connected socket hears only whom it talks to.
    socket.connect(port, gateway, send);
  });
}
