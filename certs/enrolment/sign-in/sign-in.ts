import { toHex } from "../../../src/core/base/bytes.ts";
import { ok, type Result } from "../../../src/core/base/result.ts";
import type { EnrolmentRefusal } from "../../../src/core/enrolment/refusal.ts";
import type {
  SignInAnswer,
  SignInRequest,
  SignInStarted,
  SignInTokenRequest,
} from "../../../src/core/enrolment/sign-in.ts";
import type { Desk } from "../desk.ts";
import type { ServiceFacts } from "../facts.ts";
import { otherNetwork } from "../refusals.ts";
import { admit, type Claims } from "./admission.ts";
import type { Provider } from "./provider.ts";
import type { SignInSettings } from "./settings.ts";

/** The host that somebody has signed in for enrols at once. */
const TOKEN_SECONDS = 600;

/**
 * Lets people bring hosts in by signing in: whoever has done so, and whom a rule lets in, is given an invitation like any that an operator makes, for one host.
 * It keeps nothing: what a sign-in is waited for with is held by the host that began it and by the provider.
 */
export class SignIn {
  readonly #provider: Provider;
  readonly #settings: SignInSettings;
  readonly #desk: Pick<Desk, "invite">;
  readonly #facts: () => Promise<ServiceFacts>;

  constructor(
    provider: Provider,
    settings: SignInSettings,
    desk: Pick<Desk, "invite">,
    facts: () => Promise<ServiceFacts>,
  ) {
    this.#provider = provider;
    this.#settings = settings;
    this.#desk = desk;
    this.#facts = facts;
  }

  async begin({ authority }: SignInRequest): Promise<Result<SignInStarted, EnrolmentRefusal>> {
    const facts = await this.#facts();
    if (authority !== facts.authority) return otherNetwork(facts.network.name);
    const begun = await this.#provider.begin();
    return begun.ok ? ok({ status: "started", ...begun.value }) : begun;
  }

  async token(
    { handle, host }: SignInTokenRequest,
    nowSeconds: number,
  ): Promise<Result<SignInAnswer, EnrolmentRefusal>> {
    const asked = await this.#provider.ask(handle);
    if (!asked.ok) return asked;
    const said = asked.value;
    if (!isClaims(said)) return ok({ status: "waiting", pollSeconds: said.pollSeconds });
    const admitted = admit(said, host, this.#settings);
    if (!admitted.ok) return admitted;
    const { identity, who, host: name, groups, needsApproval } = admitted.value;
    const invited = await this.#desk.invite(
      {
        host: name,
        groups,
        // Whoever wrote the rules meant them.
        newGroups: groups,
        validFor: TOKEN_SECONDS,
        lifetime: this.#settings.lifetime,
        needsApproval,
        isEphemeral: true,
        isAgain: true,
        reason: `${who} has signed in`,
      },
      { who: `sign-in ${identity}`, nowSeconds },
    );
    if (!invited.ok) return invited;
    const { id, secret } = invited.value;
    return ok({ status: "signed-in", who, host: name, token: id, secret: toHex(secret.expose()) });
  }
}

function isClaims(said: Claims | { readonly pollSeconds: number }): said is Claims {
  return "sub" in said;
}
