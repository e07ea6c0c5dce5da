import { nearest } from "../../base/suggest.ts";
import { parseAddress } from "../../netip/address.ts";
import { endpointAddress } from "../../netip/endpoint.ts";
import { looseAddress } from "../../netip/numeric-host.ts";
import { masked, parsePrefix, widthOf } from "../../netip/prefix.ts";
import { isValue } from "../schema/fits.ts";
import { PORT, type ValueType } from "../schema/key-spec.ts";
import { parseHost, parseHostPort, withoutBrackets } from "./host-port.ts";
import { parseDurationMs, parseInteger } from "./scalar.ts";

// Why a text is not what belongs there: what follows the text in a sentence. "write X" is said only of an X that would be taken.

/** Why a text is no address of one host. */
export function addressComplaint(text: string): string {
  const bare = parseAddress(withoutBrackets(text.trim()));
  if (bare) return `is not only an IP address - write ${bare}`;
  const prefix = parsePrefix(text);
  const isHost = prefix && (prefix.bits === widthOf(prefix.address) || masked(prefix).address !== prefix.address);
  if (isHost) return `is a prefix where one address belongs - write ${prefix.address}`;
  if (prefix) return "is a prefix where the address of one host belongs";
  const place = parseHostPort(text);
  if (place.ok && place.value.kind === "literal")
    return `has a port, and is to be an address - write ${endpointAddress(place.value.endpoint)}`;
  return "is not an IP address";
}

/** Why a text is neither address nor name. */
export function hostComplaint(text: string): string {
  const prefix = parsePrefix(text);
  if (prefix) return `is a prefix where one address belongs - write ${prefix.address}`;
  const place = parseHostPort(text);
  if (place.ok) {
    const host = place.value.kind === "literal" ? endpointAddress(place.value.endpoint) : place.value.name;
    return `has a port, which has a key of its own - write ${host}`;
  }
  const meant = looseAddress(text);
  if (meant) return `is no name but ${meant} in another form - write ${meant}`;
  if (text === "*") return "is not an address - write 0.0.0.0 for every IPv4 address, or :: for every address";
  const plain = text.trim();
  return plain !== text && parseHost(plain)
    ? `has spaces around it - write ${plain}`
    : "is neither an IP address nor a name";
}

/** Why a text is no prefix. */
export function prefixComplaint(text: string): string {
  const address = parseAddress(text);
  if (address) return `has no prefix length - for this one address write ${text}/${widthOf(address)}`;
  const plain = parsePrefix(text.trim());
  if (plain) return `has spaces around it - write ${text.trim()}`;
  if (/^\*(?:\.\*)*$/.test(text))
    return "is not a prefix - write 0.0.0.0/0 for every IPv4 address, ::/0 for every IPv6 address";
  return "is not a prefix such as 10.0.0.0/8";
}

/** Why a text is neither true nor false. */
export function booleanComplaint(text: string): string {
  const word = text.trim().toLowerCase();
  if (["on", "enable", "enabled"].includes(word)) return "is not true or false - write true";
  if (["off", "disable", "disabled", "none"].includes(word)) return "is not true or false - write false";
  const meant = nearest(word, ["true", "false", "yes", "no"], 1);
  return meant === undefined ? "is not true or false" : `is not true or false - write ${meant}`;
}

/** Why a text is no number. Of seconds people write durations. */
export function integerComplaint(type: Extract<ValueType, { kind: "integer" }>): (text: string) => string {
  const isTaken = (value: number): boolean => Number.isInteger(value) && value >= type.min && value <= type.max;
  return (text) => {
    const seconds = type.unit === "s" ? (parseDurationMs(text) ?? Number.NaN) / 1_000 : Number.NaN;
    if (isTaken(seconds)) return `is not a whole number of seconds - write ${seconds}`;
    const plain = text.trim().replaceAll(/[_,'](?=\d{3})/g, "");
    const number = /^\d+(\.0+)?$/.test(plain) ? Number(plain) : Number.NaN;
    const port = type === PORT ? Number(/[\])\w.*]?:(\d{1,5})$/.exec(text)?.[1] ?? Number.NaN) : Number.NaN;
    if (isTaken(port)) return `is more than a port - write ${port}`;
    return isTaken(number) && parseInteger(text) === undefined
      ? `is not a whole number - write ${number}`
      : "is not a whole number";
  };
}

/** Why a text is no duration. */
export function durationComplaint(type: Extract<ValueType, { kind: "duration" }>): (text: string) => string {
  const isTaken = (text: string): boolean => isValue(type, text);
  return (text) => {
    if (/^\d+$/.test(text)) {
      const units = [`${text}s`, `${text}ms`, `${text}m`].filter(isTaken).slice(0, 2);
      return units.length > 0 ? `has no unit - write ${units.join(" or ")}` : "has no unit";
    }
    const days = /^(\d+) ?d(?:ays?)?$/.exec(text.trim());
    const hours = days && `${24 * Number(days[1])}h`;
    if (hours && isTaken(hours)) return `is not a duration: there are h, m, s and ms - write ${hours}`;
    const plain = text
      .toLowerCase()
      .replaceAll(/\s/g, "")
      .replace(/(?<=\d)(?:seconds?|secs?)$/, "s")
      .replace(/(?<=\d)(?:minutes?|mins?)$/, "m")
      .replace(/(?<=\d)(?:hours?|hrs?)$/, "h");
    return isTaken(plain)
      ? `is not a duration - write ${plain}`
      : "is not a duration - write for instance 250ms, 30s or 1h30m";
  };
}

/** Why a text is none of the words of a choice. */
export function choiceComplaint({
  values,
  spellings,
}: Extract<ValueType, { kind: "choice" }>): (text: string) => string {
  const words = values.filter((value) => value !== "");
  return (text) => {
    const word = text.trim();
    const similar = word.length < 3 ? undefined : nearest(word, [...words, ...Object.keys(spellings)]);
    const meant = similar === undefined ? undefined : (spellings[similar] ?? similar);
    const list = `is not one of ${words.join(", ")}`;
    return meant === undefined || meant === "" ? list : `${list} - write ${meant}`;
  };
}
