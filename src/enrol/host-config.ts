import type { NetworkPlan } from "../core/enrolment/messages.ts";

export interface HostPlan {
  readonly network: NetworkPlan;
  /** Undefined: in user space. */
  readonly device: string | undefined;
  /** It was let in to debug something: it calls, is not called, and is not renewed. */
  readonly isGuest: boolean;
}

/** Stands in the first line of what is written here: what has no such line is somebody else's. */
export const WRITTEN_BY_US = "Written once by lacis ";

const ENROLMENT_LINES = [
  "  # How the certificate renews itself; without this line it does not.",
  "  enrolment: pki/enrolment.json",
] as const;

const PKI = ["pki:", "  ca: pki/ca.crt", "  cert: pki/host.crt", "  key: pki/host.key"] as const;

/** A configuration that was written here without `pki.enrolment`, with it; undefined where somebody has changed the line that it belongs behind. */
export function withEnrolment(config: string): string | undefined {
  if (/^ {2}enrolment: pki\/enrolment\.json\b/m.test(config)) return config;
  const line = /^ {2}key: pki\/host\.key[ \t]*(?:#.*)?$/m.exec(config);
  if (!line) return undefined;
  const end = line.index + line[0].length;
  return `${config.slice(0, end)}\n${ENROLMENT_LINES.join("\n")}${config.slice(end)}`;
}

/** The configuration of a host that joined: Nebula's own keys, for a person to read and to keep. */
export function hostConfig({ network, device, isGuest }: HostPlan): string {
  const { lighthouses, relays } = network;
  const overlay = lighthouses.flatMap((each) => each.overlay);
  return lines(
    `# This host in the network ${network.name}. ${WRITTEN_BY_US}join; yours to change: then lacis check, and lacis reload.`,
    ...PKI,
    ...(isGuest ? [] : ENROLMENT_LINES),
    "",
    "# Where lighthouses are: their address in the mesh, then where they are reached outside.",
    "static_host_map:",
    ...lighthouses.flatMap(({ overlay: inside, endpoints }) =>
      inside.map((address) => `  ${quoted(address)}: ${list(endpoints)}`),
    ),
    "",
    "lighthouse:",
    `  hosts: ${list(overlay)}`,
    "",
    "# Any port that is free; where others must reach this host from outside, a fixed one that is open for UDP.",
    "listen:",
    '  host: "::"',
    "  port: 0",
    "",
    "# Behind an address translator: keeps its mapping open, and opens it towards whoever calls.",
    "punchy:",
    "  punch: true",
    "  respond: true",
    ...(relays.length === 0 ? [] : ["", "# Where no way leads straight there.", "relay:", `  relays: ${list(relays)}`]),
    ...tun(device),
    "",
    ...(isGuest
      ? ["# Let in to debug: what it may reach is for others to say, and nothing may come in.", ...guestFirewall()]
      : [
          "# Who may do what. Everything out; in: pings. More, for instance: - { port: 22, proto: tcp, group: admins }",
          ...firewall([]),
        ]),
  );
}

export interface LighthousePlan {
  readonly name: string;
  readonly device: string;
  readonly port: number;
}

/** The configuration of the host that founded a network: lighthouse, relay, and where the enrolment service is. */
export function lighthouseConfig({ name, device, port }: LighthousePlan): string {
  return lines(
    `# The first host of the network ${name}. ${WRITTEN_BY_US}init; yours to change: then lacis check, and lacis reload.`,
    ...PKI,
    ...ENROLMENT_LINES,
    "",
    "# It tells hosts where the others are, and passes on what finds no straight way.",
    "lighthouse:",
    "  am_lighthouse: true",
    "",
    "relay:",
    "  am_relay: true",
    "",
    "# All hosts must reach this port: open it for UDP (the mesh) and for TCP (joining and renewing), in the machine's packet filter and in the provider's.",
    "listen:",
    '  host: "::" # IPv4 as well',
    `  port: ${port}`,
    ...tun(device),
    "",
    "# Who may do what. Everything out; in: pings, and hosts that renew their certificates. More, for instance: - { port: 22, proto: tcp, group: admins }",
    ...firewall([`    - { port: ${port}, proto: tcp, host: any }`]),
  );
}

function tun(device: string | undefined): readonly string[] {
  if (device === undefined)
    return ["", "# No device: lacis nc, lacis forward and lacis socks lead into the mesh.", "tun:", "  user: true"];
  return ["", "tun:", `  dev: ${quoted(device)}`];
}

/** Only hosts of the network get an answer: whoever is none has no tunnel. */
const REFUSE_AT_ONCE = [
  "  # What no rule allows fails at once; with drop the caller waits until it gives up.",
  "  inbound_action: reject",
  "  outbound_action: reject",
] as const;

function firewall(more: readonly string[]): readonly string[] {
  return [
    "firewall:",
    "  # The rules of the network's policy, once there is one (lacis policy); until then:",
    "  policy: network",
    ...REFUSE_AT_ONCE,
    "  outbound:",
    "    - { port: any, proto: any, host: any }",
    "  inbound:",
    "    - { port: any, proto: icmp, host: any }",
    ...more,
  ];
}

function guestFirewall(): readonly string[] {
  return [
    "firewall:",
    "  policy: network",
    ...REFUSE_AT_ONCE,
    "  outbound:",
    "    - { port: any, proto: any, host: any }",
    "  inbound: []",
  ];
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}

function list(items: readonly string[]): string {
  return `[${items.map(quoted).join(", ")}]`;
}

/** YAML takes what JSON writes. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
