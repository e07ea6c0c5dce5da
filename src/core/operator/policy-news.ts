/** What becomes of the policy of the network on this host. */
export type PolicyNews =
  /** `mode` undefined: there is none any more. `forSeconds`: unless something newer comes in that time, the one before is back. */
  | {
      readonly code: "policy-applied";
      readonly number: number;
      readonly mode: "enforce" | "audit" | undefined;
      readonly rules: number;
      readonly forSeconds: number | undefined;
    }
  | { readonly code: "policy-reverted"; readonly number: number }
  | { readonly code: "policy-refused"; readonly number: number; readonly why: string }
  /** A flow that only an audited rule lets through. */
  | {
      readonly code: "policy-would-refuse";
      readonly name: string;
      readonly direction: "inbound" | "outbound";
      readonly protocol: number;
      readonly destinationPort: number;
      /** "policy.yaml:18" */
      readonly rule: string;
    };
