/** A datagram of so many bytes of which the first two are a number and the others tell it from every other. */
export function largeDatagram(number: number, bytes: number): Buffer {
  const datagram = Buffer.alloc(bytes);
  for (let at = 2; at < bytes; at++) datagram[at] = (at * 31 + (at >> 8) * 7 + number) & 0xff;
  datagram.writeUInt16BE(number, 0);
  return datagram;
}
