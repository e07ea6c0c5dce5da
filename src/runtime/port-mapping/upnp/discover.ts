import { createSocket } from "node:dgram";
import type { IpAddress } from "../../../core/netip/address.ts";
import type { Router } from "../ask-router.ts";

// Discovery of UPnP devices (UPnP Device Architecture 2.0, 1.3).

/** Where devices listen for those who look for them. */
const GROUP = "239.255.255.250";
export const SSDP_PORT = 1900;
const AGAIN_AFTER_MS = [300, 900] as const;
const PATIENCE_MS = 2_000;
/** Answers that are looked at, and how long one may be. */
const ANSWERS_MAX = 32;
const ANSWER_BYTES_MAX = 2_048;

/** Where the router in front of `client` describes itself. Undefined: it does not answer. */
export async function discoverRouter(router: Router, client: IpAddress): Promise<URL | undefined> {
  const { gateway, ssdpPort } = router;
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    let answers = 0;
    const settle = (location?: URL): void => {
      for (const timer of timers) clearTimeout(timer);
      socket.removeAllListeners();
      // What the socket still complains about when it closes concerns nobody.
      socket.on("error", () => {});
      socket.close();
      resolve(location);
    };
    const send = (): void => {
      // Some answer whoever asks them, some only who asks everybody.
      for (const to of [GROUP, gateway]) socket.send(SEARCH, ssdpPort, to, () => {});
    };
    const timers = [...AGAIN_AFTER_MS.map((ms) => setTimeout(send, ms)), setTimeout(() => settle(), PATIENCE_MS)];
    socket.on("error", () => settle());
    socket.on("message", (bytes, { address }) => {
      // Everybody in the network hears the question: what others than the router answer leads wherever they like.
      if (address !== gateway) return;
      const location = locationIn(bytes, gateway);
      if (location !== undefined || ++answers >= ANSWERS_MAX) settle(location);
    });
    socket.bind(0, () => {
      leaveBy(client);
      send();
    });

    function leaveBy(address: IpAddress): void {
      try {
        socket.setMulticastInterface(address);
      } catch {
        // The system's own choice, then.
      }
    }
  });
}

/** The place that an answer names, when it is one of the router itself. */
export function locationIn(bytes: Uint8Array, gateway: IpAddress): URL | undefined {
  if (bytes.length > ANSWER_BYTES_MAX) return undefined;
  const [status = "", ...lines] = Buffer.from(bytes).toString("latin1").split(/\r?\n/);
  if (!/^HTTP\/1\.[01] 200(?: |$)/.test(status)) return undefined;
  const line = lines.find((each) => /^location\s*:/i.test(each));
  return line === undefined ? undefined : ownPlace(line.slice(line.indexOf(":") + 1).trim(), undefined, gateway);
}

/** A place as the router writes it: over HTTP, and at the router's own address, or nobody goes there. */
export function ownPlace(text: string, base: URL | undefined, gateway: IpAddress): URL | undefined {
  if (!URL.canParse(text, base?.href)) return undefined;
  const place = new URL(text, base);
  return place.protocol === "http:" && place.hostname === gateway && place.username === "" ? place : undefined;
}

const SEARCH = Buffer.from(
  [
    "M-SEARCH * HTTP/1.1",
    `HOST: ${GROUP}:${SSDP_PORT}`,
    'MAN: "ssdp:discover"',
    "MX: 1",
    "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "",
    "",
  ].join("\r\n"),
);
