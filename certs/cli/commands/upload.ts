import { Command } from "commander";
import type { Banner as BlockBanner } from "../../../src/core/cert/pem.ts";
import type { Told } from "../../enrolment/announcements.ts";
import type { Refusal } from "../../refusal.ts";
import { Failure } from "../failure.ts";
import { readText } from "../files.ts";
import { withRemote } from "../remote.ts";
import { withStore } from "../service-files.ts";
import { type SigningDesk, type SigningDeskFlags, withSigningDesk } from "../signing-desk.ts";
import { toldText } from "../told-text.ts";
import { orFail } from "../values.ts";

interface UploadFlags extends SigningDeskFlags {
  readonly json?: boolean;
}

export function uploadCommand(): Command {
  return withRemote(withStore(new Command("upload")))
    .description(
      "Bring back what was signed elsewhere: hosts that wait fetch their certificates, and bulletins (revocations, a policy, a change of the authority) are given to the network. Each is checked, and what is good counts though another is refused.",
    )
    .argument("<file>", "what sign-batch, bulletin or rotate has written; - for standard input")
    .option("--json", "print what became of it as JSON")
    .action(upload);
}

async function upload(file: string, flags: UploadFlags): Promise<void> {
  const { pems, bulletins } = await signedIn(readText(file), file);
  const refusals: Refusal[] = [];
  const delivered: string[] = [];
  const told: Told[] = [];
  await withSigningDesk(flags, async (desk) => {
    const waiting = orFail(await desk.waiting());
    for (const one of pems) {
      const done = await deliver(desk, waiting.certificates, one);
      if (done.ok) delivered.push(done.value);
      else refusals.push(done.reason);
    }
    for (const bulletin of bulletins) {
      const accepted = await desk.accept(bulletin);
      if (accepted.ok) told.push(accepted.value);
      else refusals.push(accepted.reason);
    }
  });
  if (flags.json) process.stdout.write(`${JSON.stringify({ delivered, bulletins: told, refused: refusals })}\n`);
  else tell(delivered, told);
  if (refusals.length > 0) throw new Failure(refusals);
}

interface Signed {
  readonly name: string;
  readonly pem: string;
  readonly certificate: Parameters<typeof import("../../enrolment/signing/sign-batch.ts").answered>[1];
}

async function deliver(
  desk: SigningDesk,
  waiting: readonly { readonly id: string; readonly name: string; readonly publicKey: string }[],
  { name, pem, certificate }: Signed,
) {
  const { answered } = await import("../../enrolment/signing/sign-batch.ts");
  const request = answered(waiting, certificate);
  if (request) return desk.deliver(request.id, pem);
  const { fail } = await import("../../../src/core/base/result.ts");
  const { keyFingerprint } = await import("../../enrolment/issuer.ts");
  const { toHex } = await import("../../../src/core/base/bytes.ts");
  const key = keyFingerprint(toHex(certificate.publicKey));
  return fail({
    what: `the certificate for ${JSON.stringify(name)}`,
    why: `nobody waits with its key (${key}): it is in use already, was denied, or is of another service`,
    todo: "see who waits: lacis-cert pending",
  });
}

/** The certificates and the bulletins of a file, each as text again. */
async function signedIn(
  text: string,
  file: string,
): Promise<{ pems: readonly Signed[]; bulletins: readonly string[] }> {
  const { Banner, decodePem, encodePem } = await import("../../../src/core/cert/pem.ts");
  const { readCertificates } = await import("../../index.ts");
  const blocks = decodePem(text);
  if (!blocks.ok) {
    throw new Failure({ what: file, why: blocks.reason, todo: "give what lacis-cert sign-batch has written" });
  }
  const pems: Signed[] = [];
  const bulletins: string[] = [];
  for (const { banner, bytes } of blocks.value) {
    const pem = encodePem(banner as BlockBanner, bytes);
    if (banner === Banner.bulletin) bulletins.push(pem);
    else
      for (const certificate of orFail(readCertificates(pem, file)))
        pems.push({ name: certificate.name, pem, certificate });
  }
  return { pems, bulletins };
}

function tell(delivered: readonly string[], told: readonly Told[]): void {
  for (const name of delivered) process.stdout.write(`${name} may fetch its certificate now\n`);
  for (const each of told) process.stdout.write(`${toldText(each)}\n`);
}
