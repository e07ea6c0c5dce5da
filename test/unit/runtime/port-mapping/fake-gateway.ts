import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Router } from "../../../../src/runtime/port-mapping/ask-router.ts";

export interface Gateway {
  /** Of its announcement; without it: where the description is. */
  readonly location?: string;
  readonly description?: string;
  /** What it says to a command: a status and a text. */
  readonly answer?: (command: string, body: string) => readonly [number, string];
}

/** A router on this machine that speaks UPnP and neither PCP nor NAT-PMP. */
export class FakeGateway {
  readonly asked: string[] = [];
  readonly bodies: string[] = [];
  readonly at: Router;
  readonly close: () => void;

  private constructor(at: Router, close: () => void) {
    this.at = at;
    this.close = close;
  }

  static async create(gateway: Gateway = {}): Promise<FakeGateway> {
    const server = createServer(async (question, reply) => {
      const body = await textOf(question);
      const action = /#(\w+)"$/.exec(String(question.headers.soapaction))?.[1];
      fake.asked.push(action ?? `${question.method} ${question.url}`);
      fake.bodies.push(body);
      const [status, text] = action
        ? (gateway.answer ?? granting)(action, body)
        : [200, gateway.description ?? DESCRIPTION];
      reply.writeHead(status).end(text);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    socket.on("message", (question, asker) => {
      if (!question.toString().startsWith("M-SEARCH")) return;
      const location = gateway.location ?? `http://127.0.0.1:${port}/root.xml`;
      socket.send(`HTTP/1.1 200 OK\r\nST: x\r\nLocation: ${location}\r\n\r\n`, asker.port, asker.address);
    });
    const ssdpPort = socket.address().port;
    const fake = new FakeGateway({ gateway: "127.0.0.1" as IpAddress, port: 9, ssdpPort }, () => {
      socket.close();
      server.close();
    });
    return fake;
  }
}

export const DESCRIPTION: string = descriptionOf("urn:schemas-upnp-org:service:WANIPConnection:1", "/control");

export function descriptionOf(type: string, control: string): string {
  return `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceList><device><serviceList><service>
<serviceType>${type}</serviceType><controlURL>${control}</controlURL></service></serviceList></device></deviceList></device></root>`;
}

/** Gives what it is asked for. */
export function granting(command: string): readonly [number, string] {
  return [200, reply(command, command === "GetExternalIPAddress" ? "203.0.113.8" : undefined)];
}

export function reply(command: string, address?: string): string {
  const inner = address === undefined ? "" : `<NewExternalIPAddress>${address}</NewExternalIPAddress>`;
  return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:${command}Response xmlns:u="urn:x">${inner}</u:${command}Response></s:Body></s:Envelope>`;
}

export function refusal(code: number | string): string {
  return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>${code}</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>`;
}

async function textOf(question: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of question) text += piece;
  return text;
}
