import { createHash, X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttps, type Server } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ephemeralIdentity } from "../../../../src/runtime/carrier/certificate.ts";
import type { PinnedPlace } from "../../../../src/runtime/enrolment/pinned-connection.ts";
import { askEnrol, askLeave } from "../../../../src/runtime/enrolment/service-client.ts";

const ASKED = {
  token: "00".repeat(8),
  secret: "5e".repeat(16),
  authority: "11".repeat(32),
  curve: "CURVE25519",
  publicKey: "22".repeat(32),
  time: 1_800_000_000,
  version: "0.1.0",
} as const;
const PENDING = { status: "pending", id: "ab12", why: "somebody must say yes", pollSeconds: 5 };

const open: (Server | TcpServer)[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) {
    if ("closeAllConnections" in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe("a host that asks the enrolment service", () => {
  test("asks the server whose key it knows, and is given its answer", async () => {
    const heard: string[] = [];
    const { place } = await service((request, response, body) => {
      heard.push(`${request.method} ${request.url} ${body}`);
      response.end(JSON.stringify(PENDING));
    });
    expect(await askEnrol(place, ASKED)).toEqual({ ok: true, value: PENDING });
    expect(heard).toEqual([`POST /v1/enrol ${JSON.stringify(ASKED)}`]);
  });

  test("says nothing at all to a server with another key", async () => {
    const heard: string[] = [];
    const { place } = await service((request, response) => {
      heard.push(String(request.url));
      response.end("{}");
    });
    const asked = await askEnrol({ ...place, key: "ff".repeat(32) }, ASKED);
    expect(asked).toMatchObject({ ok: false, reason: { code: "service-unreachable", final: false } });
    expect(JSON.stringify(asked)).toContain("another key");
    expect(heard).toEqual([]);
  });

  test("speaks no older TLS than 1.3", async () => {
    const { place } = await service((_, response) => response.end("{}"), { maxVersion: "TLSv1.2" });
    expect(await askEnrol(place, ASKED)).toMatchObject({ ok: false, reason: { code: "service-unreachable" } });
  });

  test("goes on to the next place when nobody listens at the first, and when the first is silent", async () => {
    const { place } = await service((_, response) => response.end(JSON.stringify(PENDING)));
    const silent = await listening(createTcp((socket) => socket.on("error", () => {}).resume()));
    const endpoints = ["127.0.0.1:1", `127.0.0.1:${silent}`, ...place.endpoints];
    expect(await askEnrol({ ...place, endpoints }, ASKED)).toMatchObject({ ok: true });
  });

  test("names every place where it did not get through", async () => {
    const asked = await askEnrol(
      { endpoints: ["127.0.0.1:1", "no-such-host.invalid:4242"], key: "00".repeat(32) },
      ASKED,
    );
    expect(asked).toMatchObject({ ok: false, reason: { final: false } });
    expect(JSON.stringify(asked)).toContain("127.0.0.1:1: nobody listens there");
    expect(JSON.stringify(asked)).toMatch(/no-such-host\.invalid:4242: (this name has no address|nobody answers)/);
  });

  test("hands on a refusal in the service's words, and knows whether to ask again is of use", async () => {
    const refusal = { code: "token-used", what: "the token", why: "it was used by lap", todo: "ask for a new one" };
    let code = refusal.code;
    const { place } = await service((_, response) => {
      response.writeHead(409).end(JSON.stringify({ error: { ...refusal, code } }));
    });
    expect(await askEnrol(place, ASKED)).toEqual({ ok: false, reason: { ...refusal, final: true } });
    code = "storage-full";
    expect(await askLeave(place, { certificate: "00".repeat(32), secret: "00".repeat(32) })).toEqual({
      ok: false,
      reason: { ...refusal, code, final: false },
    });
  });

  test("believes no answer that is none, and reads none without end", async () => {
    for (const answer of ["", "<html>", "[]", '{"status":"issued"}', "x".repeat(300_000)]) {
      const { place } = await service((_, response) => response.end(answer));
      const asked = await askEnrol(place, ASKED);
      expect(asked, answer.slice(0, 20)).toMatchObject({
        ok: false,
        reason: { code: "service-garbled", final: false },
      });
    }
    const { place } = await service((request) => request.socket.destroy());
    expect(await askEnrol(place, ASKED)).toMatchObject({ ok: false, reason: { code: "service-garbled" } });
  });

  test("never repeats the secret in a reason", async () => {
    const { place } = await service((request) => request.socket.destroy());
    expect(JSON.stringify(await askEnrol(place, ASKED))).not.toContain(ASKED.secret);
  });

  test("stops when it is told to", async () => {
    const { place } = await service(() => {});
    const asking = askEnrol(place, ASKED, AbortSignal.timeout(200));
    expect(await asking).toMatchObject({ ok: false, reason: { why: "it was given up" } });
    expect(await askEnrol(place, ASKED, AbortSignal.abort())).toMatchObject({ ok: false });
  });
});

type Answers = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function service(answers: Answers, tls: { maxVersion?: "TLSv1.2" } = {}): Promise<{ place: PinnedPlace }> {
  const identity = ephemeralIdentity();
  const server = createHttps({ ...identity, ...tls }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answers(request, response, Buffer.concat(chunks).toString()));
  });
  server.on("tlsClientError", () => {});
  const port = await listening(server);
  const spki = new X509Certificate(identity.cert).publicKey.export({ type: "spki", format: "der" });
  return { place: { endpoints: [`127.0.0.1:${port}`], key: createHash("sha256").update(spki).digest("hex") } };
}

async function listening(server: Server | TcpServer): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
