/** What the port of a rule says. Inclusive; every port is 0..65535. */
export interface RulePorts {
  readonly first: number;
  readonly last: number;
  readonly fragment: boolean;
}

export const ANY_PORT: RulePorts = { first: 0, last: 65_535, fragment: false };

/** What Nebula reads in the text of a port, or why it says none. A range that starts at 0 is any. */
export function parsePorts(text: string): RulePorts | string {
  if (text === "any") return ANY_PORT;
  if (text === "fragment") return { ...ANY_PORT, fragment: true };
  if (["*", "all"].includes(text.trim()) || text.toLowerCase() === "any") return "is not a port - write any";
  const plain = text.trim().replace(/^(\d+) ?(?::|\.\.|to) ?(\d+)$/, "$1-$2");
  if (plain !== text && typeof parsePorts(plain) !== "string") return `is not a port - write ${plain}`;
  if (/^\d+( ?, ?\d+)+$/.test(text)) return "is a list of ports: write a rule for each, or a range such as 8000-8100";
  const match = /^(\d{1,7})(?: *- *(\d{1,7}))?$/.exec(text);
  if (!match) return "is not any, fragment, a port or a range such as 8000-8100";
  const [, begin = "", end = begin] = match;
  const [first, last] = [Number(begin), Number(end)];
  if (first > ANY_PORT.last || last > ANY_PORT.last) return `goes beyond ${ANY_PORT.last}, the last port`;
  if (first > last) return "begins after its end";
  return first === 0 ? ANY_PORT : { first, last, fragment: false };
}

/** Whether it looks as if it had an end, and has none. */
export function isEndless(text: string): boolean {
  const [begin, end] = text.split("-");
  return Number(begin) === 0 && end !== undefined && Number(end) > 0 && Number(end) < ANY_PORT.last;
}
