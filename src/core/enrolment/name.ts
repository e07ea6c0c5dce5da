/**
 * Names and groups that an enrolment gives out. Narrower than what a certificate may say: they end up in host lists, file names and DNS, and what
 * is a plain word there can be quoted by nobody wrongly (reliability R56).
 */
export const HOST_NAME: RegExp = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
export const GROUP_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$/;

/** Networks are named by people, who like spaces; still no controls and no quotes. */
export const NETWORK_NAME: RegExp = /^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]{0,62}[\p{L}\p{N}._-])?$/u;

const IPV6 = "\\[[0-9A-Fa-f:.]{2,45}\\]";
const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ENDS_IN_NUMBER = "(?:[^:]*\\.)?(?:\\d+|0[xX][0-9A-Fa-f]*):";
const NAME = "[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?";

/**
 * A name or an address, and a port: "vpn.example.org:4242", "[2001:db8::1]:4242". What ends in a number is no name: as `endsInNumber` has it
 * (core/netip/numeric-host.ts), in one pattern, which stands in the description of the service.
 */
export const SERVICE_ENDPOINT: RegExp = new RegExp(
  `^(?:${IPV6}|${OCTET}(?:\\.${OCTET}){3}|(?!${ENDS_IN_NUMBER})${NAME}):[1-9][0-9]{0,4}$`,
);

export function isServiceEndpoint(text: string): boolean {
  return SERVICE_ENDPOINT.test(text) && Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535;
}
