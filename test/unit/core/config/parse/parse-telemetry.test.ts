import { describe, expect, test } from "vitest";
import { errorsOf, parsed, SOUND } from "../parsed.ts";

describe("opentelemetry", () => {
  test("sends nothing where there is no collector", () => {
    for (const text of ["", "opentelemetry:", "opentelemetry: {send_flows: true, endpoint: ''}"])
      expect(parsed(SOUND + text).telemetry).toBeUndefined();
  });

  test("is read with its headers, and with what stats say about messages", () => {
    const text =
      "opentelemetry: {endpoint: 'https://[2001:db8::1]:4318/in/', headers: {authorization: Bearer x, __proto__: y}, send_flows: yes}\nstats: {message_metrics: true}";
    expect(parsed(SOUND + text).telemetry).toEqual({
      endpoint: "https://[2001:db8::1]:4318/in",
      headers: Object.fromEntries([
        ["authorization", "Bearer x"],
        ["__proto__", "y"],
      ]),
      intervalMs: 60_000,
      metrics: true,
      flows: true,
      messages: true,
      lighthouse: false,
    });
  });

  test.each([
    ["{endpoint: 'collector:4318'}", "is not an address such as http://127.0.0.1:4318"],
    ["{endpoint: 'http://'}", "is not an address such as http://127.0.0.1:4318"],
    ["{endpoint: 'http://a b:4318'}", "is not an address such as http://127.0.0.1:4318"],
    ["{endpoint: 'http://c:4318/?a=1'}", "is not an address such as http://127.0.0.1:4318"],
    ["{endpoint: 'http://me:secret@c:4318'}", "holds a password, which belongs into opentelemetry.headers"],
    ["{endpoint: 'http://c:4318/v1/metrics'}", "names one kind of data - write http://c:4318"],
    ["{endpoint: 'http://c:4318', headers: {'a b': c}}", "is not the name of a header"],
    ["{endpoint: 'http://c:4318', headers: {a: \"b\\nc\"}}", "holds a character that no header may"],
    ["{endpoint: 'http://c:4318', headers: {a: [b]}}", "where text belongs"],
    ["{endpoint: 'http://c:4318', headers: [a]}", "where a map belongs"],
    ["{endpoint: 'http://c:4318', interval: 10ms}", "100ms"],
    [
      "{endpoint: 'http://c:4318', send_flows: true}\nflow_log: {megabytes: 0}",
      "has nothing to send: flow_log.megabytes is 0",
    ],
  ])("%s is refused", (text, complaint) => {
    const errors = errorsOf(`${SOUND}opentelemetry: ${text}`);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(complaint);
    expect(errors[0]).not.toContain("secret@");
  });

  test("headers may be secrets, and are never shown", () => {
    const text = "opentelemetry: {endpoint: 'http://c:4318', headers: {authorization: hush}}";
    expect(JSON.stringify(parsed(SOUND + text).effective)).not.toContain("hush");
    expect(JSON.stringify(parsed(SOUND + text).effective)).toContain('{"authorization":"[secret]"}');
  });
});
