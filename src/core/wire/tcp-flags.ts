/** Flags of a TCP header that begin and end connections (RFC 9293 3.1). */
export const TcpFlag = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 } as const;

/** Whether a segment with these flags asks for a new connection. */
export function isOpening(flags: number): boolean {
  return (flags & (TcpFlag.syn | TcpFlag.ack | TcpFlag.rst)) === TcpFlag.syn;
}
