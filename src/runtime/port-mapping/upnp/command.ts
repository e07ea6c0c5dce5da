import type { Connection } from "./connection.ts";
import { exchange } from "./exchange.ts";
import { elementsIn, textIn } from "./xml.ts";

export type Command = "AddPortMapping" | "DeletePortMapping" | "GetExternalIPAddress";

/** What a router makes of a command: the elements of its answer by name, or the number of its error. */
export type Reply =
  | { readonly kind: "done"; readonly value: (name: string) => string | undefined }
  | { readonly kind: "refused"; readonly code: number }
  | { readonly kind: "malformed" };

/** Names and values, in the order that the service's description gives them. */
export type Arguments = Readonly<Record<string, string | number>>;

/** Gives a router a command (UPnP Device Architecture 2.0, 3.1). Undefined: no answer. */
export async function tellRouter(
  { type, control }: Connection,
  command: Command,
  values: Arguments,
  patienceMs: number,
): Promise<Reply | undefined> {
  const answer = await exchange(control, {
    method: "POST",
    headers: { "content-type": 'text/xml; charset="utf-8"', soapaction: `"${type}#${command}"` },
    body: envelope(type, command, values),
    patienceMs,
  });
  return answer && replyIn(answer.body, command);
}

/** Reads what a router answered. */
export function replyIn(text: string, command: Command): Reply {
  const [done] = elementsIn(text, `${command}Response`);
  if (done) return { kind: "done", value: (name) => textIn(done, name) };
  const [error] = elementsIn(text, "UPnPError");
  const code = (error && textIn(error, "errorCode")) ?? "";
  return /^\d{1,5}$/.test(code) ? { kind: "refused", code: Number(code) } : { kind: "malformed" };
}

/** No value needs escaping: numbers, addresses and words of ours. */
function envelope(type: string, command: Command, values: Arguments): string {
  const inner = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`);
  return (
    '<?xml version="1.0"?>\n' +
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
    `<s:Body><u:${command} xmlns:u="${type}">${inner.join("")}</u:${command}></s:Body></s:Envelope>\n`
  );
}
