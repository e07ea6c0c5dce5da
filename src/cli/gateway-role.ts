import type { LiveSettings } from "../core/config/settings.ts";
import { familyOf } from "../core/netip/address.ts";
import { formatPrefix, hostPrefix, masked, overlaps, type Prefix, prefixesAround } from "../core/netip/prefix.ts";
import type { Forwarding } from "../runtime/platform/platform.ts";

/** One thing without which a network behind a host is not reached. */
export interface RolePiece {
  readonly network: string;
  readonly role: "gateway" | "client";
  readonly piece: "certificate" | "rule" | "forwarding" | "masquerading" | "route" | "gateway";
  readonly state: "there" | "missing" | "unknown";
  /** What to do, or what is known. */
  readonly says: string;
}

/**
 * What this host has of the pieces that reach a network behind a gateway, of which three must agree: the certificate and a rule of the gateway, and a route of
 * the client. The others are the gateway's system: that it forwards, and that hosts behind it know the way back.
 */
export function piecesOf({ identity, firewall, tun }: LiveSettings, system: Forwarding): readonly RolePiece[] {
  const { networks, unsafeNetworks } = identity.credential;
  const behind = unsafeNetworks.map(masked);
  const own = networks.map(({ address }) => hostPrefix(address));
  const asked = firewall.inbound.flatMap(({ localCidr }) =>
    localCidr === undefined || localCidr === "any" ? [] : [localCidr],
  );
  const unvouched = asked.filter(
    (cidr) => ![...own, ...networks, ...behind].some((network) => overlaps(network, cidr)),
  );
  const masquerades = behind.length > 0 ? system.masquerades() : undefined;
  return [
    ...unvouched.map((network) => {
      const text = formatPrefix(network);
      return piece(
        text,
        "gateway",
        "certificate",
        "missing",
        `sign it again: lacis-cert sign -unsafe-networks ${text}`,
      );
    }),
    ...behind.flatMap((network) => gatewayPieces(network, { networks, firewall, system, masquerades })),
    ...tun.unsafeRoutes.flatMap(({ prefix, gateways }) => {
      const names = gateways.map(({ address }) => address).join(", ");
      const says = `lacis status of the running host sees the certificate of ${names}, lacis check there its rules`;
      return [
        piece(formatPrefix(prefix), "client", "route", "there", `through ${names}`),
        piece(formatPrefix(prefix), "client", "gateway", "unknown", says),
      ];
    }),
  ];
}

function gatewayPieces(
  network: Prefix,
  {
    networks,
    firewall,
    system,
    masquerades,
  }: {
    readonly networks: readonly Prefix[];
    readonly firewall: LiveSettings["firewall"];
    readonly system: Forwarding;
    readonly masquerades: boolean | undefined;
  },
): readonly RolePiece[] {
  const text = formatPrefix(network);
  const family = familyOf(network.address);
  const isOpen = firewall.inbound.some(({ localCidr }) => {
    if (localCidr === "any") return true;
    if (localCidr !== undefined) return overlaps(localCidr, network);
    return firewall.defaultLocal.length === 0 || prefixesAround(firewall.defaultLocal)(network);
  });
  const isOn = system.isOn(family);
  const overlay = networks.find(({ address }) => familyOf(address) === family);
  const from = overlay ? formatPrefix(masked(overlay)) : "the overlay";
  const back = `hosts in ${text} answer only if they have a route to ${from} through this host, or if it masquerades`;
  const rule = "of firewall.inbound";
  return [
    piece(text, "gateway", "certificate", "there", "it carries the network"),
    isOpen
      ? piece(text, "gateway", "rule", "there", `a rule ${rule} covers it`)
      : piece(
          text,
          "gateway",
          "rule",
          "missing",
          `add local_cidr: ${text} to a rule ${rule}; without it a rule means this host alone`,
        ),
    isOn === undefined
      ? piece(text, "gateway", "forwarding", "unknown", "whether this machine forwards cannot be seen")
      : isOn
        ? piece(text, "gateway", "forwarding", "there", "this machine forwards")
        : piece(text, "gateway", "forwarding", "missing", system.turnOn(family)),
    masquerades
      ? piece(
          text,
          "gateway",
          "masquerading",
          "there",
          "a rule of this machine does; whether for these packets, only it knows",
        )
      : piece(
          text,
          "gateway",
          "masquerading",
          masquerades === undefined ? "unknown" : "missing",
          `${back}: ${system.masquerade(from, text)}`,
        ),
  ];
}

function piece(
  network: string,
  role: RolePiece["role"],
  what: RolePiece["piece"],
  state: RolePiece["state"],
  says: string,
): RolePiece {
  return { network, role, piece: what, state, says };
}

/** A piece as `lacis check` prints it. */
export function pieceLine({ network, role, piece, state, says }: RolePiece): string {
  const where = role === "gateway" ? "behind this host" : "behind others";
  return `${network} ${where}: ${piece} ${state === "missing" ? "MISSING" : state} - ${says}`;
}
