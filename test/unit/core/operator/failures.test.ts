import { describe, expect, test } from "vitest";
import type { Fingerprint } from "../../../../src/core/cert/certificate.ts";
import type { HandshakeRefusal } from "../../../../src/core/handshake/refusal.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import type { CallFailure, PeerTrouble, PingFailure } from "../../../../src/core/operator/failure.ts";
import {
  adoptionRefusalText,
  callFailureText,
  pingFailureText,
  refusalText,
  troubleText,
} from "../../../../src/core/operator/failure-text.ts";

const target = "10.77.0.9" as IpAddress;
const lighthouses = ["10.77.0.1" as IpAddress, "10.77.0.2" as IpAddress];
const endpoint = "192.0.2.9:4242" as Endpoint;
const fingerprint = "5af2" as Fingerprint;

describe("a failed call", () => {
  const nowhere = (why: Extract<CallFailure, { reason: "no-endpoint-known" }>["why"]): CallFailure => ({
    reason: "no-endpoint-known",
    why,
    target,
    lighthouses,
    places: ["192.0.2.7:4242"],
  });
  const cases: readonly (readonly [CallFailure, string])[] = [
    [nowhere("names-do-not-resolve"), "The names in static_host_map for 10.77.0.9 do not resolve."],
    [
      nowhere("no-place-for-another"),
      "static_host_map has 192.0.2.7:4242 for 10.77.0.9, where no other host can be: it is an address of this host itself, one inside the overlay, or one to which nothing can be sent.",
    ],
    [
      nowhere("out-of-reach"),
      "Where 10.77.0.9 is known to be this host cannot send: it has no address of that family, or listen.host is of the other one.",
    ],
    [nowhere("nobody-to-ask"), "10.77.0.9 is not in static_host_map, and there is no lighthouse to ask."],
    [nowhere("lighthouse-without-endpoint"), "No underlay address is known for the lighthouse 10.77.0.9."],
    [
      nowhere("no-lighthouse-connected"),
      "No lighthouse is connected (10.77.0.1, 10.77.0.2), so nobody could say where 10.77.0.9 is.",
    ],
    [nowhere("unknown-to-lighthouses"), "No lighthouse (10.77.0.1, 10.77.0.2) said where 10.77.0.9 is."],
    [
      {
        reason: "handshake-timeout",
        why: "no-answer",
        tried: [endpoint, "198.51.100.9:1" as Endpoint],
        waitedMs: 6_549,
        attempts: 10,
      },
      "No answer from 192.0.2.9:4242, 198.51.100.9:1 in 6.5 s (10 attempts).",
    ],
    [
      {
        reason: "handshake-timeout",
        why: "no-answer",
        tried: [endpoint, "198.51.100.9:1" as Endpoint],
        waitedMs: 5_500,
        attempts: 10,
        refused: [
          { place: endpoint, error: "ENETUNREACH" },
          { place: "198.51.100.9:1" as Endpoint, error: "ENETUNREACH" },
        ],
      },
      "No answer from 192.0.2.9:4242, 198.51.100.9:1 in 5.5 s (10 attempts). Datagrams to 192.0.2.9:4242, 198.51.100.9:1 do not leave this machine: this machine has no route there (ENETUNREACH).",
    ],
    [
      { reason: "handshake-timeout", why: "unreadable", from: endpoint, cipher: "aes" },
      "192.0.2.9:4242 answered, but its answers do not decrypt. Does it use another cipher than aes?",
    ],
    [{ reason: "handshake-timeout", why: "too-many-calls" }, "Too many handshakes are under way."],
    [{ reason: "handshake-timeout", why: "data-plane-gone" }, "The data plane went away."],
    [{ reason: "handshake-timeout", why: "shutting-down" }, "This host is shutting down."],
    [
      { reason: "handshake-refused", why: "refused", refusal: { code: "own-address", fingerprint }, from: endpoint },
      "192.0.2.9:4242 answered, and was refused. The peer's certificate holds one of our own overlay addresses.",
    ],
    [
      {
        reason: "handshake-refused",
        why: "wrong-responders",
        target,
        responders: [
          { endpoint, name: "printer" },
          { endpoint: "192.0.2.9:2" as Endpoint, name: "scanner" },
        ],
      },
      "192.0.2.9:4242: printer answers there, which is not 10.77.0.9. 192.0.2.9:2: scanner answers there, which is not 10.77.0.9.",
    ],
    [{ reason: "handshake-refused", why: "too-many-sessions" }, "There are as many tunnels as the data plane holds."],
  ];

  test.each(cases)("%o reads as it always has", (failure, text) => expect(callFailureText(failure)).toBe(text));

  test("reads in a ping and beside a peer as in the log", () => {
    for (const [failure, text] of cases) {
      expect(pingFailureText(failure).text).toBe(text);
      expect(troubleText({ of: "failed-call", failure })).toBe(text);
    }
  });
});

describe("a refused handshake", () => {
  test.each<readonly [HandshakeRefusal, string]>([
    [
      { code: "unreadable", message: 1, why: "message 1 is too short" },
      "Message 1 is malformed: message 1 is too short.",
    ],
    [{ code: "bad-payload", message: 2, why: "it is empty" }, "Message 2 is malformed: it is empty."],
    [{ code: "bad-payload", message: 1, why: undefined }, "Message 1 carries no initiator index."],
    [{ code: "bad-payload", message: 2, why: undefined }, "Message 2 carries no responder index."],
    [{ code: "bad-certificate", why: "it is cut off" }, "The peer's certificate is malformed: it is cut off."],
    [{ code: "bad-certificate", why: undefined }, "We hold no certificate to answer with."],
    [
      { code: "curve-mismatch", text: "the peer's certificate is on another curve than ours", fingerprint },
      "The peer's certificate is on another curve than ours.",
    ],
    [{ code: "too-old", fingerprint }, "The handshake is not later than the one of the session that stands."],
    [
      { code: "implausible-time", fingerprint },
      "The handshake's time is more than a day away from ours, and a session stands.",
    ],
    [{ code: "own-key", fingerprint }, "It shows our own key: it is this host itself, or a copy of it."],
    [{ code: "no-free-index" }, "There are as many tunnels as the data plane holds."],
  ])("%o is one sentence", (refusal, text) => expect(refusalText(refusal)).toBe(text));
});

describe("a failed ping", () => {
  const networks = [parsePrefix("10.77.0.0/24")].flatMap((prefix) => prefix ?? []);

  test.each<readonly [PingFailure, string]>([
    [{ reason: "own-address", target }, "10.77.0.9 is this host itself."],
    [
      { reason: "outside-networks", why: "outside", target, networks },
      "10.77.0.9 is not in any network of this host (10.77.0.0/24).",
    ],
    [
      { reason: "outside-networks", why: "no-host", target, networks },
      "10.77.0.9 is not the address of a host in (10.77.0.0/24).",
    ],
    [{ reason: "unknown-name", name: "10.77.0.300" }, '"10.77.0.300" is no IP address.'],
    [{ reason: "unknown-name", name: "fd00::g::1" }, 'No host with the certificate name "fd00::g::1" is connected.'],
    [{ reason: "unknown-name", name: "fd00:::1" }, '"fd00:::1" is no IP address.'],
    [{ reason: "unknown-name", name: "serv" }, 'No host with the certificate name "serv" is connected.'],
    [
      { reason: "handshake-timeout", why: "no-tunnel-in-time", target, waitedMs: 2_000, tried: [endpoint] },
      "No tunnel to 10.77.0.9 in 2 s: tried 192.0.2.9:4242.",
    ],
    [
      { reason: "handshake-timeout", why: "no-tunnel-in-time", target, waitedMs: 2_000, tried: [] },
      "No tunnel to 10.77.0.9 in 2 s: no endpoint was found.",
    ],
    [
      { reason: "no-reply", why: "silent", name: "server", waitedMs: 500.25 },
      "The tunnel to server stands, but no reply came in 500 ms.",
    ],
    [{ reason: "no-reply", why: "too-many-pings" }, "Too many pings are under way."],
    [{ reason: "data-plane-down" }, "The data plane is not running."],
  ])("%o says what is known and what to do", (failure, text) => {
    expect(pingFailureText(failure).text).toBe(text);
    expect(pingFailureText(failure).todo).toMatch(/^[A-Z].*[.?]$/);
  });
});

test.each<readonly [PeerTrouble, string]>([
  [{ of: "silence" }, "does not answer"],
  [{ of: "recv-error" }, "says it does not know the session"],
  [{ of: "calling", attempt: 3 }, "attempt 3"],
])("a peer that is not simply up, %o, has a word beside it", (trouble, text) =>
  expect(troubleText(trouble)).toBe(text),
);

test("a session that is not taken over says why", () => {
  expect(adoptionRefusalText({ of: "cipher", session: "aes", configured: "chachapoly" })).toBe(
    "its cipher is aes, and that of the configuration chachapoly by now",
  );
  expect(adoptionRefusalText({ of: "addresses" })).toBe("its memo names other addresses than the data plane");
  expect(adoptionRefusalText({ of: "memo", why: "the memo is not well formed" })).toBe("the memo is not well formed");
});
