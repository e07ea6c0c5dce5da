import type { Certificate } from "../../core/cert/certificate.ts";
import { compareAddresses, familyOf, type IpAddress } from "../../core/netip/address.ts";
import type { NamedHost } from "../../core/node/directory.ts";

/** The addresses under one name: the first of each family. */
export interface NameRecord {
  readonly name: string;
  readonly owner: IpAddress;
  readonly 4?: IpAddress;
  readonly 6?: IpAddress;
}

/**
 * Which names there are (protocol 11.4). A name is that of a certificate in lower case, if it is one in DNS: labels of letters, digits and hyphens
 * (reliability R46). Where two hosts have the same, this host's own counts, else that of the lowest address: whoever comes later takes nobody's name.
 */
export class NameIndex {
  readonly #records = new Map<string, NameRecord>();
  readonly #certificates = new Map<IpAddress, Certificate>();
  /** Hosts whose name somebody else has. */
  readonly shadowed: readonly NameRecord[];
  /** Hosts whose name is none in DNS. */
  readonly unpublished: number;

  /** This host first. */
  constructor(hosts: readonly NamedHost[]) {
    const shadowed: NameRecord[] = [];
    let unpublished = 0;
    const [own, ...others] = hosts;
    for (const host of [...(own ? [own] : []), ...others.toSorted(byAddress)]) {
      for (const address of host.addresses) this.#certificates.set(address, host.certificate);
      const record = recordOf(host);
      if (!record) unpublished++;
      else if (this.#records.has(record.name)) shadowed.push(record);
      else this.#records.set(record.name, record);
    }
    this.shadowed = shadowed;
    this.unpublished = unpublished;
  }

  /** By a name in lower case without the dot at its end. */
  find(name: string): NameRecord | undefined {
    return this.#records.get(name);
  }

  certificateOf(address: IpAddress): Certificate | undefined {
    return this.#certificates.get(address);
  }
}

function recordOf({ name, addresses }: NamedHost): NameRecord | undefined {
  const lower = name.toLowerCase();
  const [owner] = addresses;
  if (
    owner === undefined ||
    lower.length > NAME_CHARACTERS_MAX ||
    !lower.split(".").every((label) => LABEL.test(label))
  )
    return undefined;
  const v4 = addresses.find((address) => familyOf(address) === 4);
  const v6 = addresses.find((address) => familyOf(address) === 6);
  return { name: lower, owner, ...(v4 && { 4: v4 }), ...(v6 && { 6: v6 }) };
}

function byAddress(a: NamedHost, b: NamedHost): number {
  const [first] = a.addresses;
  const [second] = b.addresses;
  return first && second ? compareAddresses(first, second) : Number(first === undefined) - Number(second === undefined);
}

/** RFC 1035, 2.3.4, without the length of the first and the last label. */
const NAME_CHARACTERS_MAX = 253;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
