/** A QR code of a text, for a terminal of any colours. */
export async function qrText(text: string): Promise<string> {
  const { encodeQR } = await import("qr");
  return encodeQR(text, "term", { ecc: "low" });
}
