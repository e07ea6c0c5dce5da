import { bulletinText } from "../../src/core/bulletin/text.ts";
import type { Told } from "../enrolment/announcements.ts";

/** "the revocation list 7 is published: applied on 41 of 42; pending: nas", or why it is not. */
export function toldText({
  kind,
  number,
  state,
  applied = 0,
  hosts = 0,
  pending = [],
  why = "",
  todo = "",
}: Told): string {
  const what = number === 0 ? "the network has not been told" : `the ${bulletinText(kind, number)}`;
  if (state === "published")
    return `${what} is published: applied on ${applied} of ${hosts}${pending.length === 0 ? "" : `; pending: ${pending.join(", ")}`}`;
  return number === 0 ? `${what}: ${why} - ${todo}` : `${what} is not published: ${why} - ${todo}`;
}
